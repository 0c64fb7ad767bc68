#include "policy/header_edits.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "policy/scenario_text.h"

namespace gate::policy {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using Kind = HeaderEdit::Kind;

std::vector<std::string> Result(HeaderEdits& edits) {
  edits.Resolve();
  std::vector<std::string> texts;
  for (const HeaderEdit& edit : edits.result()) {
    texts.push_back(DescribeEdit(edit));
  }
  return texts;
}

TEST(HeaderEdits, KeepTheOrderOfTheRules) {
  HeaderEdits edits;
  edits.Note(Kind::kAdd, "B").value = "1";
  edits.Note(Kind::kSet, "A").value = "2";
  edits.Note(Kind::kAdd, "B").value = "3";
  edits.Commit();
  EXPECT_THAT(Result(edits),
              ElementsAre("add \"B: 1\"", "set \"A: 2\"", "add \"B: 3\""));
}

TEST(HeaderEdits, SetAStrippedNameAsTheRuleWritesIt) {
  HeaderEdits edits;
  edits.StripIncoming("x-bulk");
  edits.Note(Kind::kSet, "X-Bulk").value = "yes";
  edits.Commit();
  EXPECT_THAT(Result(edits), ElementsAre("set \"X-Bulk: yes\""));
}

TEST(HeaderEdits, DropWhatARefusedEventNoted) {
  HeaderEdits edits;
  edits.Note(Kind::kAdd, "A").value = "kept";
  edits.Commit();
  edits.Note(Kind::kAdd, "A").value = "dropped";
  edits.Rollback();
  EXPECT_THAT(Result(edits), ElementsAre("add \"A: kept\""));
}

TEST(HeaderEdits, TouchTheIncomingHeadersOfANameOnce) {
  HeaderEdits edits;
  edits.StripIncoming("x-a");
  edits.StripIncoming("X-A");
  edits.Note(Kind::kRemove, "X-A");
  edits.Note(Kind::kSet, "X-a").value = "1";
  edits.Note(Kind::kSet, "X-A").value = "2";
  edits.Note(Kind::kAdd, "X-A").value = "3";
  edits.Commit();
  EXPECT_THAT(Result(edits), ElementsAre("set \"X-A: 2\"", "add \"X-A: 3\""));
}

TEST(HeaderEdits, LetTheLastOfSetAndRemoveCount) {
  HeaderEdits edits;
  edits.Note(Kind::kSet, "A").value = "1";
  edits.Note(Kind::kRemove, "a");
  edits.Commit();
  EXPECT_THAT(Result(edits), ElementsAre("remove \"a\""));
}

TEST(HeaderEdits, AreEmptyForANewMessage) {
  HeaderEdits edits;
  edits.StripIncoming("A");
  edits.Note(Kind::kAdd, "B").value = "1";
  edits.Commit();
  edits.Resolve();
  edits.Clear();
  EXPECT_THAT(edits.result(), IsEmpty());
  EXPECT_THAT(Result(edits), IsEmpty());
}

}  // namespace
}  // namespace gate::policy
