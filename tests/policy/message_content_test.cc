#include "policy/message_content.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace gate::policy {
namespace {

using enum rules::FactId;
using rules::HeaderId;

class MessageContentTest : public testing::Test {
 protected:
  MessageContentTest() {
    facts_.ResizeHeaders(1);
    content_.Begin();
  }
  void AddFrom(std::string_view value) {
    content_.AddHeader("From", value, std::nullopt);
  }

  rules::FactSet facts_;
  MessageContent content_{facts_};
};

TEST_F(MessageContentTest, HeadersAreDecoded) {
  content_.AddHeader("Subject",
                     "=?utf-8?q?gr=C3=BCn?=\n =?utf-8?q?!?=", HeaderId{0});
  content_.AddHeader("X-Other", "x", std::nullopt);
  ASSERT_EQ(facts_.header_count({0}), 1u);
  EXPECT_EQ(facts_.header({0}, 0), "grün!");
}

TEST_F(MessageContentTest, FromIsTheFirstAddress) {
  AddFrom("\"ceo@bank.example\" <Alice@X.example>");
  EXPECT_EQ(facts_.text(kFrom), "alice@x.example");
  EXPECT_EQ(facts_.text(kFromDomain), "x.example");
  EXPECT_EQ(facts_.number(kFromCount), 1);
}

TEST_F(MessageContentTest, FromFieldsAddUp) {
  AddFrom("nobody");
  EXPECT_EQ(facts_.number(kFromCount), 0);
  EXPECT_FALSE(facts_.present(kFrom));
  content_.AddHeader("fROM", "a@x.example, b@y.example", std::nullopt);
  AddFrom("c@z.example");
  EXPECT_EQ(facts_.number(kFromCount), 3);
  EXPECT_EQ(facts_.text(kFrom), "a@x.example");
  EXPECT_EQ(facts_.text(kFromDomain), "x.example");
}

TEST_F(MessageContentTest, FromWithoutDomainHasNone) {
  AddFrom("Cron <root>");
  EXPECT_EQ(facts_.text(kFrom), "root");
  EXPECT_FALSE(facts_.present(kFromDomain));
}

TEST_F(MessageContentTest, SizeIsThatOnTheWire) {
  content_.AddHeader("A", "b", std::nullopt);            // 6
  content_.AddHeader("A", "b\n c\r\n d", std::nullopt);  // 14
  content_.AddBody("text\r\n", 3);                       // 6
  content_.AddBody("more\r\n", 3);                       // 6
  content_.End();
  EXPECT_EQ(facts_.number(kMessageSize), 6 + 14 + 2 + 12);
}

TEST_F(MessageContentTest, BodyIsItsBegin) {
  EXPECT_TRUE(content_.AddBody("abc", 5));
  EXPECT_FALSE(content_.AddBody("defg", 5));
  EXPECT_FALSE(content_.AddBody("h", 5));
  content_.End();
  EXPECT_EQ(facts_.text(kBody), "abcde");
}

TEST_F(MessageContentTest, NothingIsLeftOfAMessageThatIsForgotten) {
  AddFrom("a@x.example, b@y.example");
  content_.AddBody("abc", 5);
  content_.Forget();
  facts_.ClearFrom(rules::Stage::kMail);
  content_.AddBody("de", 5);
  content_.End();
  EXPECT_EQ(facts_.text(kBody), "de");
  EXPECT_EQ(facts_.number(kMessageSize), 4);
  AddFrom("c@z.example");
  EXPECT_EQ(facts_.number(kFromCount), 1);
  EXPECT_EQ(facts_.text(kFrom), "c@z.example");
}

TEST_F(MessageContentTest, BodyIsValidUtf8) {
  content_.AddBody("gr\xfcn", 100);
  content_.End();
  EXPECT_EQ(facts_.text(kBody), "gr\xef\xbf\xbdn");
}

TEST_F(MessageContentTest, BodyOfLimitZeroIsEmpty) {
  EXPECT_FALSE(content_.AddBody("abc", 0));
  content_.End();
  EXPECT_TRUE(facts_.present(kBody));
  EXPECT_EQ(facts_.text(kBody), "");
}

}  // namespace
}  // namespace gate::policy
