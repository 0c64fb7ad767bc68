// Both doors over their socket, and an MTA that speaks the protocol.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <csignal>
#include <memory>
#include <string>

#include "tests/milter/door_process.h"
#include "tests/milter/mta_client.h"
#include "tests/occurrences.h"

namespace gate::milter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

class DoorTest : public ::testing::TestWithParam<DoorKind> {
 protected:
  // Serves the policy that `text` says.
  void Serve(const std::string& text) {
    door_ = std::make_unique<DoorProcess>(GetParam(), text);
  }
  std::string Path() const { return door_->path(); }
  int Stop(int signal) { return door_->Stop(signal); }

 private:
  std::unique_ptr<DoorProcess> door_;
};

// Up to MAIL, as Postfix does.
void Begin(MtaClient& mta) {
  ASSERT_TRUE(mta.Negotiate());
  mta.SendMacros('C', {{"j", "mx.b.example"}, {"{daemon_name}", "smtpd"}});
  ASSERT_EQ(mta.Connect("mx.a.example", "192.0.2.1", 25000).verdict, 'c');
  ASSERT_EQ(mta.Helo("mx.a.example").verdict, 'c');
}

constexpr char kNoRelay[] = R"(at rcpt {
  no_relay: reject 554 5.7.1 "Relaying denied" when rcpt.domain != "b.example"
})";

constexpr char kTag[] = R"(at message {
  tag: add header "X-Gate" "yes" when header["Precedence"] == "bulk"
})";

TEST_P(DoorTest, AsksForNeitherHeadersNorBodyWithoutSuchRules) {
  Serve(kNoRelay);
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate());
  const uint32_t content =
      kStepNoHeaders | kStepNoEndOfHeaders | kStepNoBody | kStepNoData;
  EXPECT_EQ(mta.agreed().steps & content, content);
  EXPECT_EQ(mta.agreed().steps & kStepNoRcpt, 0u);
  EXPECT_EQ(mta.agreed().actions & ~kActionSetMacros, 0u);
}

TEST_P(DoorTest, AsksForMailWhereVerdictsAreKept) {
  Serve(R"(at helo {
    liar: reject 550 5.7.1 "Not your name" when helo == "b.example"
  })");
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate());
  EXPECT_EQ(mta.agreed().steps & kStepNoMail, 0u);
  EXPECT_EQ(mta.Connect("x", "192.0.2.1", 1).verdict, 'c');
  EXPECT_EQ(mta.Helo("b.example").verdict, 'c');
  const MtaClient::Answer answer = mta.Mail("<a@a.example>");
  EXPECT_EQ(answer.verdict, 'y');
  EXPECT_EQ(answer.text, "550 5.7.1 Not your name");
}

TEST_P(DoorTest, AsksForTheMacrosOfItsFacts) {
  Serve(R"(
    at mail { unsafe: reject when auth.user and not tls.version }
  )");
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate());
  ASSERT_TRUE(mta.wanted_macros().contains(2));
  EXPECT_THAT(mta.wanted_macros().at(2), HasSubstr("{auth_authen}"));
  ASSERT_TRUE(mta.wanted_macros().contains(1));
  EXPECT_THAT(mta.wanted_macros().at(1), HasSubstr("{tls_version}"));
  EXPECT_FALSE(mta.wanted_macros().contains(5)) << "nothing at its end";
}

// Postfix with `milter_protocol = 2` offers just this, and never says DATA.
TEST_P(DoorTest, TellsOnceThatAnOldMtaHasNoData) {
  ::testing::internal::CaptureStderr();
  Serve(std::string(kNoRelay) +
        "at data { never: reject 550 5.7.1 \"Never\" when rcpt.count > 0 }");
  for (int i = 0; i < 3; ++i) {
    MtaClient mta(Path());
    ASSERT_TRUE(mta.Negotiate({.actions = 0x3f, .steps = 0x7f}, /*version=*/2));
    EXPECT_EQ(mta.Connect("mx.a.example", "192.0.2.1", 25000).verdict, 'c');
    EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
    EXPECT_EQ(mta.Rcpt("<x@elsewhere.example>").text,
              "554 5.7.1 Relaying denied");
    EXPECT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
    EXPECT_EQ(mta.EndOfMessage().verdict, 'c');
    mta.Quit();
  }
  EXPECT_EQ(Stop(SIGTERM), 0);
  const std::string log = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(Occurrences(log, "does not offer"), 1u) << log;
  EXPECT_THAT(log, HasSubstr("warning: the MTA does not offer the event DATA"));
}

TEST_P(DoorTest, TellsTheNameOfItsSocket) {
  Serve("at mail { r: reject \"By {listener}\" when listener == \"inside\" }");
  MtaClient mta(Path());
  Begin(mta);
  EXPECT_EQ(mta.Mail("<a@a.example>").text, "554 5.7.1 By inside");
}

TEST_P(DoorTest, ReadsMacros) {
  Serve(
      "at mail { bob: reject 550 5.7.1 \"No Bob\" when auth.user == \"bob\" }");
  MtaClient mta(Path());
  Begin(mta);
  mta.SendMacros('M', {{"{auth_type}", "PLAIN"}, {"{auth_authen}", "bob"}});
  EXPECT_EQ(mta.Mail("<a@a.example>").text, "550 5.7.1 No Bob");
  mta.Abort();
  mta.SendMacros('M', {{"{auth_authen}", "alice"}});
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
}

TEST_P(DoorTest, LivesWithMacroPacketsWithoutMacros) {
  Serve("at mail { bob: reject when auth.user == \"bob\" }\n" +
        std::string(kNoRelay));
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate());
  mta.SendMacros('C', {});
  EXPECT_EQ(mta.Connect("x", "192.0.2.1", 1).verdict, 'c');
  mta.SendMacros('H', {});
  EXPECT_EQ(mta.Helo("x").verdict, 'c');
  mta.SendMacros('M', {{"{auth_authen}", ""}});
  EXPECT_EQ(mta.Mail("<>").verdict, 'c');
  mta.SendMacros('R', {});
  EXPECT_EQ(mta.Rcpt("<x@elsewhere.example>").verdict, 'y');
}

TEST_P(DoorTest, RefusesOneRecipientAndGoesOn) {
  Serve(kNoRelay);
  MtaClient mta(Path());
  Begin(mta);
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
  const MtaClient::Answer refused = mta.Rcpt("<x@elsewhere.example>");
  EXPECT_EQ(refused.verdict, 'y');
  EXPECT_EQ(refused.text, "554 5.7.1 Relaying denied");
  EXPECT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
  EXPECT_EQ(mta.EndOfMessage().verdict, 'c');
}

TEST_P(DoorTest, TakesIpv6AndLocalClients) {
  Serve(R"(at connect {
    six: defer 421 4.7.0 "Six" when client.ip in { 2001:db8::/32 }
  })");
  MtaClient six(Path());
  ASSERT_TRUE(six.Negotiate());
  EXPECT_EQ(six.Connect("x", "2001:db8::5", 1).text, "421 4.7.0 Six");
  MtaClient local(Path());
  ASSERT_TRUE(local.Negotiate());
  EXPECT_EQ(local.Connect("localhost", "", 0).verdict, 'c');
}

TEST_P(DoorTest, SendsLongTextsInLines) {
  const std::string words(600, '%');
  Serve("at rcpt { all: reject 550 5.7.1 \"" + words + "\" }");
  MtaClient mta(Path());
  Begin(mta);
  mta.Mail("<a@a.example>");
  const std::string text = mta.Rcpt("<b@b.example>").text;
  EXPECT_EQ(text.find("550-5.7.1 %"), 0u);
  EXPECT_THAT(text, HasSubstr("\r\n550 5.7.1 %"));
  EXPECT_EQ(std::count(text.begin(), text.end(), '%'), 1200) << "doubled";
}

TEST_P(DoorTest, ChangesHeadersAtTheEnd) {
  Serve(kTag);
  MtaClient mta(Path());
  Begin(mta);
  mta.Mail("<a@a.example>");
  mta.Rcpt("<b@b.example>");
  mta.Data();
  for (const char* value : {"a", "b"}) mta.Header("x-gate", value);
  mta.Header("Precedence", "bulk");
  EXPECT_EQ(mta.EndOfHeaders().verdict, 'c');
  const MtaClient::Answer answer = mta.EndOfMessage();
  EXPECT_EQ(answer.verdict, 'c');
  ASSERT_EQ(answer.changes.size(), 3u);
  using std::string_literals::operator""s;
  EXPECT_EQ(answer.changes[0].command, 'm');
  EXPECT_EQ(answer.changes[0].data, "\0\0\0\2x-gate\0\0"s);
  EXPECT_EQ(answer.changes[1].data, "\0\0\0\1x-gate\0\0"s);
  EXPECT_EQ(answer.changes[2].command, 'h');
  EXPECT_EQ(answer.changes[2].data, "X-Gate\0yes\0"s);
}

TEST_P(DoorTest, GoesOnWithoutActionsThatTheMtaDoesNotOffer) {
  Serve(kTag);
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate(
      {.actions = kActionAddHeaders, .steps = MtaClient::kPostfix.steps}));
  EXPECT_EQ(mta.agreed().actions, kActionAddHeaders);
  mta.Connect("x", "192.0.2.1", 1);
  mta.Mail("<a@a.example>");
  mta.Header("X-Gate", "forged");
  mta.Header("Precedence", "bulk");
  const MtaClient::Answer answer = mta.EndOfMessage();
  EXPECT_EQ(answer.verdict, 'c');
  ASSERT_EQ(answer.changes.size(), 1u);
  EXPECT_EQ(answer.changes[0].command, 'h');
}

TEST_P(DoorTest, AnswersHeadersToAnMtaThatWaitsForIt) {
  Serve(kTag);
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate({.actions = 0x3f, .steps = 0x7f}, 2));
  mta.Connect("x", "192.0.2.1", 1);
  mta.Mail("<a@a.example>");
  mta.Rcpt("<b@b.example>");
  EXPECT_EQ(mta.Header("Precedence", "bulk").verdict, 'c');
  EXPECT_EQ(mta.EndOfMessage().changes.size(), 1u);
}

TEST_P(DoorTest, SkipsTheBodyOnlyWhereTheMtaKnowsHow) {
  Serve(R"(
    set body-limit 1K
    at message { casino: reject 554 5.7.1 "Casino" when body ~ /casino/ }
  )");
  for (const uint32_t steps : {0x1fffffu, 0x1fffffu & ~kStepSkip}) {
    MtaClient mta(Path());
    ASSERT_TRUE(mta.Negotiate({.actions = 0x1ff, .steps = steps}));
    mta.Connect("x", "192.0.2.1", 1);
    mta.Mail("<a@a.example>");
    mta.Rcpt("<b@b.example>");
    mta.Data();
    mta.EndOfHeaders();
    const std::string body = "casino" + std::string(2000, 'x');
    EXPECT_EQ(mta.Body(body).verdict, (steps & kStepSkip) != 0 ? 's' : 'c');
    EXPECT_EQ(mta.EndOfMessage().text, "554 5.7.1 Casino");
  }
}

TEST_P(DoorTest, DiscardsAndQuarantines) {
  Serve(R"(at mail {
    gone: discard when sender.local == "gone"
    odd:  quarantine "odd" when sender.local == "odd"
  })");
  MtaClient mta(Path());
  Begin(mta);
  EXPECT_EQ(mta.Mail("<gone@a.example>").verdict, 'd');
  EXPECT_EQ(mta.Mail("<odd@a.example>").verdict, 'c');
  mta.Rcpt("<b@b.example>");
  const MtaClient::Answer answer = mta.EndOfMessage();
  EXPECT_EQ(answer.verdict, 'c');
  ASSERT_EQ(answer.changes.size(), 1u);
  EXPECT_EQ(answer.changes[0].command, 'q');
}

TEST_P(DoorTest, TakesTwoMessagesOnAConnection) {
  Serve(std::string(kNoRelay) + kTag);
  MtaClient mta(Path());
  Begin(mta);
  for (int message = 0; message < 2; ++message) {
    EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
    EXPECT_EQ(mta.Rcpt("<x@elsewhere.example>").verdict, 'y');
    EXPECT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
    mta.Header("X-Gate", "forged");
    EXPECT_EQ(mta.EndOfMessage().changes.size(), 1u) << message;
  }
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
  mta.Header("X-Gate", "of a message that ends by RSET");
  mta.Abort();
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
  EXPECT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
  EXPECT_EQ(mta.EndOfMessage().changes.size(), 0u);
}

TEST_P(DoorTest, LivesWithAbortAndHangUpAtAnyTime) {
  Serve(std::string(kNoRelay) + kTag);
  { MtaClient hangs_up(Path()); }
  for (int step = 0; step < 8; ++step) {
    MtaClient mta(Path());
    ASSERT_TRUE(mta.Negotiate());
    if (step > 0) mta.Connect("x", "192.0.2.1", 1);
    if (step > 1) mta.Helo("x");
    if (step > 2) mta.Mail("<a@a.example>");
    if (step > 3) mta.Rcpt("<b@b.example>");
    if (step > 4) mta.Data();
    if (step > 5) mta.Header("X-Gate", "forged");
    if (step > 6) mta.EndOfMessage();
    mta.Abort();
    mta.Abort();
    if (step > 1) {
      EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c') << step;
    }
    if (step % 2 == 0) mta.Quit();
  }
}

TEST_P(DoorTest, BeginsAnewWhenTheConnectionIsReused) {
  Serve(R"(at mail {
    two: reject 550 5.7.1 "Two" when client.ip == 192.0.2.2
  })");
  MtaClient mta(Path());
  ASSERT_TRUE(mta.Negotiate());
  mta.Connect("x", "192.0.2.1", 1);
  mta.Helo("a.example");
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
  EXPECT_EQ(mta.Rcpt("<b@b.example>").verdict, 'c');
  EXPECT_EQ(mta.EndOfMessage().verdict, 'c');
  mta.QuitForNewConnection();  // libmilter takes it after a message only
  EXPECT_EQ(mta.Connect("y", "192.0.2.2", 1).verdict, 'c');
  EXPECT_EQ(mta.Mail("<a@a.example>").text, "550 5.7.1 Two");
}

TEST_P(DoorTest, SurvivesBrokenPackets) {
  Serve(kNoRelay);
  using std::string_literals::operator""s;
  const std::pair<char, std::string> kPackets[] = {
      {'O', ""},
      {'C', "no end"},
      {'C', "x\0"s},
      {'C',
       "x\0"
       "4"s},
      {'M', ""},
      {'R', "no end"},
      {'D', ""},
      {'D', "Cno end"},
      {'\xff', "x"},
      {'L', "x"},
      {'B', std::string(70000, 'x')}};
  for (const auto& [command, data] : kPackets) {
    MtaClient mta(Path());
    ASSERT_TRUE(mta.Negotiate());
    mta.Send(command, data);
    mta.Quit();
  }
  MtaClient mta(Path());
  Begin(mta);
  EXPECT_EQ(mta.Mail("<a@a.example>").verdict, 'c');
  EXPECT_EQ(mta.Rcpt("<x@elsewhere.example>").verdict, 'y');
}

TEST_P(DoorTest, EndsWhenItIsTold) {
  Serve(kNoRelay);
  MtaClient mta(Path());
  Begin(mta);
  EXPECT_EQ(Stop(SIGTERM), 0) << "libmilter polls every 5 s";
}

INSTANTIATE_TEST_SUITE_P(Doors, DoorTest,
                         ::testing::Values(DoorKind::kLibmilter,
                                           DoorKind::kNative),
                         [](const auto& door) { return DoorName(door.param); });

}  // namespace
}  // namespace gate::milter
