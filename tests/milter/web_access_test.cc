#include "milter/web_access.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gate::milter {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;
using Answer = WebAccess::Answer;

std::string Basic(std::string_view password) {
  return "Basic " +
         absl::Base64Escape(absl::StrCat("any:", std::string(password)));
}

rules::IpAddress Address(std::string_view text) {
  return *rules::IpAddress::Parse(text);
}

class WebAccessTest : public testing::Test {
 protected:
  Answer Try(std::string_view password,
             const rules::IpAddress& client = Address("203.0.113.9")) {
    return access_.Check(Basic(password), client, now_);
  }
  // So many wrong passwords, each after the wait that the one before cost.
  void Guess(size_t times) {
    for (size_t i = 0; i < times; ++i) {
      now_ += access_.Wait(Address("203.0.113.9"), now_);
      ASSERT_EQ(Try("guess"), Answer::kAsk);
    }
  }

  WebAccess access_{"secret"};
  WebAccess::Time now_;
};

TEST(OwnHost, IsLoopbackOrTheConfiguredAddress) {
  for (const std::string_view own :
       {"localhost", "LOCALHOST:9554", "gate.localhost", "127.0.0.1",
        "127.0.0.1:9554", "127.9.9.9:1", "[::1]", "[::1]:9554", "192.0.2.7",
        "192.0.2.7:80"}) {
    EXPECT_TRUE(IsOwnHost(own, "192.0.2.7")) << own;
  }
}

TEST(OwnHost, IsNoNameThatAnybodyCouldPointHere) {
  for (const std::string_view other :
       {"", ":", "evil.example", "localhost.evil.example", "evillocalhost",
        "127.0.0.1.evil.example", "192.0.2.8", "[::2]", "[::1", "[::1]x",
        "127.1", "0x7f000001", "localhost@evil.example"}) {
    EXPECT_FALSE(IsOwnHost(other, "192.0.2.7")) << other;
  }
}

TEST(SamePassword, ComparesAllBytesAndTheLength) {
  EXPECT_TRUE(SamePassword("secret", "secret"));
  for (const std::string_view other :
       {"", "secre", "secrets", "secretsecret", "Secret", "secreT"}) {
    EXPECT_FALSE(SamePassword(other, "secret")) << other;
  }
}

TEST_F(WebAccessTest, AnyUserNameWithThePasswordIsLetIn) {
  const auto client = Address("203.0.113.9");
  EXPECT_EQ(access_.Check("Basic OnNlY3JldA==", client, now_),  // no name
            Answer::kGranted);
  EXPECT_EQ(access_.Check("basic YTpzZWNyZXQ=", client, now_),
            Answer::kGranted);
}

TEST_F(WebAccessTest, MalformedAuthorizationIsAWrongPassword) {
  const auto client = Address("203.0.113.9");
  for (const char* text :
       {"Basic", "Basic !!!", "Bearer c2VjcmV0", "Basic c2VjcmV0"}) {
    EXPECT_EQ(access_.Check(text, client, now_), Answer::kAsk) << text;
  }
}

TEST_F(WebAccessTest, WithoutAPasswordEverybodyIsLetIn) {
  WebAccess open("");
  EXPECT_EQ(open.Check("", Address("203.0.113.9"), now_), Answer::kGranted);
}

TEST_F(WebAccessTest, AskingWithoutAPasswordIsNoGuess) {
  for (int i = 0; i < 100; ++i) {
    ASSERT_EQ(access_.Check("", Address("203.0.113.9"), now_), Answer::kAsk);
  }
}

TEST_F(WebAccessTest, EachWrongPasswordDoublesTheWaitUpToAMinute) {
  Guess(4);
  EXPECT_EQ(Try("secret"), Answer::kGranted);
  const auto client = Address("203.0.113.9");
  for (const int wait : {1, 2, 4, 8, 16, 32, 60, 60}) {
    Guess(1);
    EXPECT_EQ(access_.Wait(client, now_), seconds(wait));
    EXPECT_EQ(Try("secret"), Answer::kTooManyWrong);
  }
  now_ += seconds(60);
  EXPECT_EQ(Try("secret"), Answer::kGranted);
}

TEST_F(WebAccessTest, ARightPasswordForgivesNothing) {
  Guess(5);
  now_ += seconds(1);
  EXPECT_EQ(Try("secret"), Answer::kGranted);
  EXPECT_EQ(Try("guess"), Answer::kAsk);
  EXPECT_EQ(access_.Wait(Address("203.0.113.9"), now_), seconds(2));
}

TEST_F(WebAccessTest, OtherNetworksDoNotWait) {
  Guess(8);
  EXPECT_EQ(Try("secret", Address("203.0.113.10")), Answer::kGranted);
  EXPECT_EQ(Try("secret", Address("2001:db8::1")), Answer::kGranted);
}

TEST_F(WebAccessTest, AnIpv6NetworkIsOneGuesser) {
  for (int i = 0; i < 5; ++i) {
    Try("guess", Address(absl::StrCat("2001:db8::", i + 1)));
  }
  EXPECT_EQ(Try("secret", Address("2001:db8::9")), Answer::kTooManyWrong);
  EXPECT_EQ(Try("secret", Address("2001:db8:0:1::9")), Answer::kGranted);
}

TEST_F(WebAccessTest, WrongPasswordsAreForgotten) {
  Guess(5);
  now_ += minutes(11);
  Guess(4);
  EXPECT_EQ(Try("secret"), Answer::kGranted);
}

}  // namespace
}  // namespace gate::milter
