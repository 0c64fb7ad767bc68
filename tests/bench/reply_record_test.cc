#include "tests/bench/reply_record.h"

#include <gtest/gtest.h>

#include <string>

namespace gate::bench {
namespace {

TEST(ReplyRecord, IsReadAsItWasWritten) {
  const std::string reject("\0\0\0\1r", 5);
  ReplyRecord record;
  EXPECT_TRUE(record.Add('R', reject));
  EXPECT_TRUE(record.Add('R', reject));
  EXPECT_TRUE(record.Add('C', "c"));
  EXPECT_EQ(record.ToText(), "C 63\nR 0000000172\n");
  const absl::StatusOr<ReplyRecord> read = ReplyRecord::Parse(record.ToText());
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read->AnswerTo('R'), reject);
  EXPECT_EQ(read->AnswerTo('H'), "");
}

TEST(ReplyRecord, TakesOneAnswerForACommand) {
  ReplyRecord record;
  EXPECT_TRUE(record.Add('R', "c"));
  EXPECT_FALSE(record.Add('R', "r"));
}

TEST(ReplyRecord, RefusesWhatIsNone) {
  for (const std::string line :
       {"C", "C ", "C 6", "C 6x", "C:63", "C 63\nC 64"}) {
    EXPECT_FALSE(ReplyRecord::Parse(line).ok()) << line;
  }
}

}  // namespace
}  // namespace gate::bench
