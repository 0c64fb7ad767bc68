#include "policy/redis_key.h"

#include <string>

#include "gtest/gtest.h"

namespace gate::policy {
namespace {

std::string LimitKey(std::string_view name, std::string_view subject) {
  std::string key = "left over";
  RenderLimitKey(name, subject, key);
  return key;
}

TEST(RedisKey, IsReadable) {
  EXPECT_EQ(LimitKey("per_user", "alice"), "gate:per_user:alice");
  EXPECT_EQ(LimitKey("all", ""), "gate:all:");
  std::string key;
  RenderBanKey("client.network", "192.0.2.1", key);
  EXPECT_EQ(key, "gate:banned(client.network):192.0.2.1");
}

TEST(RedisKey, KeepsEveryByte) {
  const std::string subject("a\0b\r\n{c}", 8);
  EXPECT_EQ(LimitKey("l", subject), "gate:l:" + subject);
}

TEST(RedisKey, LongSubjectsEndInAHashOfTheirWhole) {
  const std::string longest(kMaxSubject, 'x');
  EXPECT_EQ(LimitKey("l", longest), "gate:l:" + longest);
  const std::string key = LimitKey("l", longest + "y");
  // (printf 'x%.0s' {1..128}; printf y) | sha256sum
  EXPECT_EQ(key, "gate:l:" + std::string(96, 'x') +
                     "~0b03891a4b73057bb6a2782343c2a4e2");
  EXPECT_NE(key, LimitKey("l", longest + "z"));
  EXPECT_GT(key.size(), LimitKey("l", longest).size())
      << "no subject looks like another's hash";
}

}  // namespace
}  // namespace gate::policy
