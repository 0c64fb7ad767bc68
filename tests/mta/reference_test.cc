// The token that a refused client is told, and where it leads.
#include <gmock/gmock.h>

#include <string>

#include "tests/mta/gate_test.h"

namespace gate::mta {
namespace {

using ::testing::HasSubstr;
using ::testing::MatchesRegex;

constexpr char kPolicy[] = R"(
set reference on
set contact "postmaster@example.org"
list our_domains domains { example.org }
at helo {
  kept: reject 550 5.7.1 "Not that name" when helo == "kept.example"
}
at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain not in our_domains
}
)";

// Between the brackets.
std::string ReferenceIn(const std::string& text) {
  const size_t begin = text.find('[');
  return begin == std::string::npos ? "none" : text.substr(begin + 1, 9);
}

size_t Count(const std::string& log, const std::string& text) {
  size_t count = 0;
  for (size_t at = log.find(text); at != std::string::npos;
       at = log.find(text, at + 1)) {
    ++count;
  }
  return count;
}

using Reference = BothMtasTest;
GATE_BOTH_MTAS(Reference);

TEST_P(Reference, IsTheSameForTheClientAndInTheLog) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kPolicy));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  const std::string first = client.Rcpt("<b@elsewhere.example>").text;
  const std::string second = client.Rcpt("<b@elsewhere.example>").text;
  EXPECT_THAT(first,
              MatchesRegex("554 5.7.1 Relaying denied "
                           "\\[[0-9A-HJKMNP-TV-Z]{4}-[0-9A-HJKMNP-TV-Z]{4}\\], "
                           "questions to postmaster@example.org"));
  EXPECT_NE(ReferenceIn(first), ReferenceIn(second));
  EXPECT_EQ(StopGate(), 0);
  for (const std::string& reply : {first, second}) {
    EXPECT_EQ(Count(gate().Log(), " reference=" + ReferenceIn(reply) + " "), 1U)
        << reply << gate().Log();
  }
}

TEST_P(Reference, OfAKeptRefusalIsToldEachTime) {
  ASSERT_NO_FATAL_FAILURE(StartGate(kPolicy));
  SmtpClient client = Visit({.helo = "kept.example"});
  const std::string reply = client.Mail("<a@spam.example>").text;
  EXPECT_THAT(reply, HasSubstr("Not that name ["));
  EXPECT_EQ(client.Mail("<a@spam.example>").text, reply);
  EXPECT_EQ(StopGate(), 0);
  EXPECT_EQ(Count(gate().Log(), " reference=" + ReferenceIn(reply) + " "), 3U)
      << gate().Log();
}

TEST_P(Reference, IsLoggedEvenIfTheClientIsNotTold) {
  ASSERT_NO_FATAL_FAILURE(
      StartGate("at rcpt { no: reject 554 5.7.1 \"Relaying denied\" }"));
  SmtpClient client = Visit();
  EXPECT_EQ(client.Mail("<a@spam.example>").code, 250);
  EXPECT_EQ(client.Rcpt("<b@elsewhere.example>").text,
            "554 5.7.1 Relaying denied");
  EXPECT_EQ(StopGate(), 0);
  EXPECT_THAT(gate().Log(), HasSubstr(" reference="));
}

}  // namespace
}  // namespace gate::mta
