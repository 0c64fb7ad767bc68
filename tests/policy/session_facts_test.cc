#include "policy/session_facts.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tests/allocations.h"

namespace gate::policy {
namespace {

using rules::FactId;
using rules::FactSet;
using rules::Presence;
using enum FactId;

class FakeMacros : public MacroSource {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;
  FakeMacros() = default;
  FakeMacros(std::initializer_list<Map::value_type> macros) : macros_(macros) {}
  explicit FakeMacros(Map macros) : macros_(std::move(macros)) {}
  std::optional<std::string_view> Macro(std::string_view name) const override {
    const auto found = macros_.find(name);
    if (found == macros_.end()) return std::nullopt;
    return found->second;
  }

 private:
  Map macros_;
};

// What Postfix 3.7 sends when asked for all (facts.md section 2).
FakeMacros PostfixConnect() {
  return {{"j", "mail.Example.org"},
          {"v", "Postfix 3.7.11"},
          {"{daemon_name}", "smtpd"},
          {"{daemon_addr}", "198.51.100.25"},
          {"{daemon_port}", "25"},
          {"{client_addr}", "192.0.2.1"},
          {"{client_port}", "34567"},
          {"{client_name}", "MX.Client.example"},
          {"{client_ptr}", "mx.client.example"},
          {"{client_resolve}", "OK"}};
}

class SessionFactsTest : public testing::Test {
 protected:
  void Connect(const MacroSource& macros,
               std::string_view host = "mx.client.example",
               std::string_view address = "192.0.2.1", uint16_t port = 34567) {
    decoder_.Connect({.macros = macros,
                      .host = host,
                      .address = rules::IpAddress::Parse(address),
                      .port = port});
  }
  void Mail(std::string_view path, const FakeMacros& macros = {},
            const std::vector<std::string_view>& parameters = {}) {
    decoder_.Mail({.macros = macros, .path = path, .parameters = parameters});
  }
  void Rcpt(std::string_view path, const FakeMacros& macros = {},
            const std::vector<std::string_view>& parameters = {}) {
    decoder_.Rcpt({.macros = macros, .path = path, .parameters = parameters});
  }
  // The value as text; "(absent)" and "(unknown)".
  std::string Value(FactId id) const {
    if (facts_.presence(id) == Presence::kUnknown) return "(unknown)";
    if (!facts_.present(id)) return "(absent)";
    std::string out;
    facts_.AppendValue(id, {}, out);
    return out;
  }
  bool Missing(FactId id) const {
    return decoder_.missing().test(static_cast<size_t>(id));
  }
  bool Sent(FactId id) const {
    return decoder_.sent().test(static_cast<size_t>(id));
  }

  FactSet facts_;
  SessionFacts decoder_{facts_};
};

TEST_F(SessionFactsTest, ConnectDecodesWhatPostfixSends) {
  Connect(PostfixConnect());
  EXPECT_EQ(Value(kClientIp), "192.0.2.1");
  EXPECT_EQ(Value(kClientNetwork), "192.0.2.1");
  EXPECT_EQ(Value(kClientName), "mx.client.example");
  EXPECT_EQ(Value(kClientPtr), "mx.client.example");
  EXPECT_EQ(Value(kClientPort), "34567");
  EXPECT_EQ(Value(kClientResolve), "OK");
  EXPECT_EQ(Value(kServerName), "mail.example.org");
  EXPECT_EQ(Value(kServerAddress), "198.51.100.25");
  EXPECT_EQ(Value(kServerPort), "25");
  EXPECT_EQ(Value(kServerHost), "(unknown)");
  EXPECT_EQ(Value(kDaemon), "smtpd");
  EXPECT_EQ(Value(kSessionLocal), "(absent)");
}

TEST_F(SessionFactsTest, ListenerIsThatOfEachConnectEvent) {
  const FakeMacros macros;
  const auto connect = [&](std::string_view listener) {
    decoder_.Connect({.macros = macros,
                      .host = "h.example",
                      .address = std::nullopt,
                      .listener = listener});
  };
  connect("inbound");
  Mail("<a@b.example>");
  EXPECT_EQ(Value(kListener), "inbound");
  connect("inbound");  // XCLIENT
  EXPECT_EQ(Value(kListener), "inbound");
  connect("");
  EXPECT_EQ(Value(kListener), "(absent)");
}

TEST_F(SessionFactsTest, NetworkOfAV6ClientIsItsSlash64) {
  Connect(FakeMacros(), "[2001:db8::1]", "2001:db8::1");
  EXPECT_EQ(Value(kClientIp), "2001:db8::1");
  EXPECT_EQ(Value(kClientNetwork), "2001:db8::/64");
}

struct ClientNameCase {
  std::string_view name;
  std::string_view host;
  FakeMacros::Map macros;
  std::string_view client_name;
  std::string_view client_ptr;
};

TEST_F(SessionFactsTest, ClientNameIsTheVerifiedOneOnly) {
  const std::vector<ClientNameCase> cases = {
      {.name = "Ok",
       .host = "x",
       .macros = {{"{client_name}", "a.example"},
                  {"{client_resolve}", "OK"},
                  {"{client_ptr}", "a.example"}},
       .client_name = "a.example",
       .client_ptr = "a.example"},
      {.name = "Forged",
       .host = "a.example",
       .macros = {{"{client_name}", "a.example"},
                  {"{client_resolve}", "FORGED"},
                  {"{client_ptr}", "a.example"}},
       .client_name = "(absent)",
       .client_ptr = "a.example"},
      {.name = "Temp",
       .host = "a.example",
       .macros = {{"{client_resolve}", "TEMP"}, {"{client_ptr}", "unknown"}},
       .client_name = "(absent)",
       .client_ptr = "(absent)"},
      {.name = "PostfixUnknown",
       .host = "unknown",
       .macros = {{"{client_name}", "unknown"}, {"{client_ptr}", "unknown"}},
       .client_name = "(absent)",
       .client_ptr = "(absent)"},
      {.name = "SendmailWithoutPtr",
       .host = "[192.0.2.1]",
       .macros = {{"{client_name}", "[192.0.2.1]"},
                  {"{client_ptr}", "[192.0.2.1]"}},
       .client_name = "(absent)",
       .client_ptr = "(absent)"},
      {.name = "NoMacrosHost",
       .host = "a.example",
       .macros = {},
       .client_name = "a.example",
       .client_ptr = "(unknown)"},
      {.name = "NoMacrosAddress",
       .host = "[192.0.2.1]",
       .macros = {},
       .client_name = "(absent)",
       .client_ptr = "(unknown)"},
  };
  for (const ClientNameCase& test : cases) {
    SCOPED_TRACE(test.name);
    Connect(FakeMacros(test.macros), test.host);
    EXPECT_EQ(Value(kClientName), test.client_name);
    EXPECT_EQ(Value(kClientPtr), test.client_ptr);
  }
}

struct LocalCase {
  std::string_view host;
  std::string_view address;  // "": none
  uint16_t port = 0;
  bool local = false;
};

TEST_F(SessionFactsTest, LocalIsNoAddressOrPostfixsSimulatedClient) {
  constexpr auto kCases = std::to_array<LocalCase>({
      {.host = "localhost", .address = "", .local = true},
      {.host = "localhost", .address = "127.0.0.1", .local = true},
      {.host = "localhost", .address = "127.0.0.1", .port = 4711},
      {.host = "mx.example", .address = "127.0.0.1"},
      {.host = "localhost", .address = "192.0.2.1"},
      {.host = "unknown", .address = ""},
  });
  for (const LocalCase& test : kCases) {
    Connect(FakeMacros(), test.host, test.address, test.port);
    EXPECT_EQ(facts_.present(kSessionLocal), test.local)
        << test.host << " " << test.address << " " << test.port;
    EXPECT_EQ(facts_.present(kClientIp), !test.address.empty());
  }
}

TEST_F(SessionFactsTest, AddressesInMacrosMayHaveATag) {
  Connect(FakeMacros{{"{if_addr}", "IPv6:2001:DB8::25"},
                     {"{daemon_addr}", "0.0.0.0"}});
  EXPECT_EQ(Value(kServerAddress), "2001:db8::25");
  Connect(FakeMacros{{"{daemon_addr}", "IPv6:::1"}});
  EXPECT_EQ(Value(kServerAddress), "::1");
  Connect(FakeMacros{{"{daemon_addr}", "somewhere"}});
  EXPECT_EQ(Value(kServerAddress), "(unknown)");
}

TEST_F(SessionFactsTest, MissingMacrosAreUnknownAndToldOfTheirEvent) {
  Connect(FakeMacros{{"{daemon_name}", ""}, {"{client_ptr}", "unknown"}});
  EXPECT_EQ(Value(kServerHost), "(unknown)");
  EXPECT_EQ(Value(kDaemon), "(unknown)") << "an empty macro was not sent";
  EXPECT_TRUE(Missing(kServerHost));
  EXPECT_TRUE(Missing(kDaemon));
  EXPECT_FALSE(Missing(kClientName));
  EXPECT_FALSE(Missing(kClientPtr)) << "sent, though no name";
  EXPECT_TRUE(Sent(kClientPtr));
  EXPECT_FALSE(Sent(kDaemon));
  decoder_.Helo({.macros = FakeMacros(), .name = "x"});
  EXPECT_TRUE(decoder_.missing().none()) << "no TLS is no unknown TLS";
  EXPECT_TRUE(decoder_.sent().none());
}

TEST_F(SessionFactsTest, KnowsTheMtaByItsVersion) {
  Connect(FakeMacros());
  EXPECT_EQ(decoder_.mta(), MtaKind::kOther);
  Rcpt("<a@b.example>", FakeMacros{{"v", "8.17.1.9"}});
  EXPECT_EQ(decoder_.mta(), MtaKind::kSendmail);
  Rcpt("<a@b.example>", FakeMacros());
  EXPECT_EQ(decoder_.mta(), MtaKind::kSendmail) << "as long as it connects";
  Connect(PostfixConnect());
  EXPECT_EQ(decoder_.mta(), MtaKind::kPostfix);
}

TEST_F(SessionFactsTest, OnlyWhatThePolicyAskedForCanBeUnknown) {
  rules::Needs needs;
  for (const FactId asked : {kServerName, kServerAddress, kClientName}) {
    needs.macro_facts.set(static_cast<size_t>(asked));
  }
  decoder_.Expect(needs);
  Connect(FakeMacros());
  EXPECT_EQ(Value(kServerName), "(unknown)");
  EXPECT_EQ(Value(kServerAddress), "(unknown)");
  EXPECT_EQ(Value(kServerHost), "(absent)");
  EXPECT_EQ(Value(kClientPtr), "(absent)");
  EXPECT_EQ(decoder_.missing().count(), 2u);
}

TEST_F(SessionFactsTest, HeloIsADomainInNormalForm) {
  decoder_.Helo({.macros = FakeMacros(), .name = "MX.M\xc3\xbcnchen.example."});
  EXPECT_EQ(Value(kHelo), "mx.xn--mnchen-3ya.example");
  decoder_.Helo({.macros = FakeMacros(),
                 .name = "a\xff"
                         "b"});
  EXPECT_EQ(Value(kHelo),
            "a\xef\xbf\xbd"
            "b");
  decoder_.Helo({.macros = FakeMacros(), .name = ""});
  EXPECT_EQ(Value(kHelo), "(absent)");
}

TEST_F(SessionFactsTest, TlsIsOfTheLastHelo) {
  const FakeMacros tls{{"{tls_version}", "TLSv1.3"},
                       {"{cipher}", "TLS_AES_256_GCM_SHA384"},
                       {"{cipher_bits}", "256"}};
  decoder_.Helo({.macros = tls, .name = "x"});
  EXPECT_EQ(Value(kTlsVersion), "TLSv1.3");
  EXPECT_EQ(Value(kTlsCipher), "TLS_AES_256_GCM_SHA384");
  EXPECT_EQ(Value(kTlsBits), "256");
  EXPECT_EQ(Value(kTlsCertVerified), "(absent)");
  decoder_.Helo({.macros = FakeMacros(), .name = "x"});
  EXPECT_EQ(Value(kTlsVersion), "(absent)");
  EXPECT_EQ(Value(kTlsBits), "(absent)");
}

TEST_F(SessionFactsTest, TlsMayComeAtMailAndIsNotTakenAway) {
  decoder_.Helo({.macros = FakeMacros(), .name = "x"});
  Mail("<a@x.org>", {{"{tls_version}", "TLSv1.2"}, {"{verify}", "OK"}});
  EXPECT_EQ(Value(kTlsVersion), "TLSv1.2");
  EXPECT_EQ(Value(kTlsCertVerified), "yes");
  Mail("<a@x.org>");
  EXPECT_EQ(Value(kTlsVersion), "TLSv1.2");
  EXPECT_EQ(Value(kTlsCertVerified), "yes");
}

TEST_F(SessionFactsTest, VerifiedCertificateIsToldByEachMtaInItsWay) {
  const auto verified = [&](const FakeMacros& macros) {
    decoder_.Helo({.macros = macros, .name = "x"});
    return facts_.present(kTlsCertVerified);
  };
  EXPECT_TRUE(verified({{"{verify}", "OK"}, {"v", "8.17.1.9"}}));
  EXPECT_FALSE(verified(
      {{"{verify}", "FAIL"}, {"v", "8.17.1.9"}, {"{cert_subject}", "CN=x"}}));
  EXPECT_FALSE(verified({{"{cert_subject}", "CN=x"}, {"v", "8.17.1.9"}}));
  EXPECT_TRUE(verified({{"{cert_subject}", "CN=x"}, {"v", "Postfix 3.7.11"}}));
  EXPECT_FALSE(verified({{"v", "Postfix 3.7.11"}}));
}

TEST_F(SessionFactsTest, SenderIsWhatTheMtaResolved) {
  Mail("<User@Typed.example>", {{"{mail_addr}", "User@Resolved.example"}});
  EXPECT_EQ(Value(kSender), "user@resolved.example");
  EXPECT_EQ(Value(kSenderLocal), "user");
  EXPECT_EQ(Value(kSenderDomain), "resolved.example");
  EXPECT_EQ(Value(kSenderRaw), "<User@Typed.example>");
  Mail("<User@Typed.example>");
  EXPECT_EQ(Value(kSender), "user@typed.example");
}

TEST_F(SessionFactsTest, NullSenderIsPresentWithoutParts) {
  Mail("<>", {{"{mail_addr}", ""}});
  EXPECT_TRUE(facts_.present(kSender));
  EXPECT_EQ(facts_.text(kSender), "");
  EXPECT_EQ(Value(kSenderLocal), "(absent)");
  EXPECT_EQ(Value(kSenderDomain), "(absent)");
  EXPECT_EQ(Value(kSenderRaw), "<>");
}

TEST_F(SessionFactsTest, AddressWithoutDomainHasTheMtasOwn) {
  Connect(PostfixConnect());
  Mail("<alice>");
  EXPECT_EQ(Value(kSender), "alice@mail.example.org");
  EXPECT_EQ(Value(kSenderDomain), "mail.example.org");
  Rcpt("<postmaster>");
  EXPECT_EQ(Value(kRcpt), "postmaster@mail.example.org");
  Mail("<>");
  EXPECT_EQ(Value(kSenderDomain), "(absent)") << "the null sender has none";
  Connect(FakeMacros());
  Mail("<alice>");
  EXPECT_EQ(Value(kSender), "alice") << "the MTA did not say its name";
}

// {mail_addr} and {rcpt_addr} of local users are their names alone there.
TEST_F(SessionFactsTest, LocalUserOfSendmailHasTheDomainThatWasTyped) {
  Connect(PostfixConnect());
  Mail("<Alice@Example.net>", {{"{mail_addr}", "Alice"}});
  EXPECT_EQ(Value(kSender), "alice@example.net");
  EXPECT_EQ(Value(kSenderDomain), "example.net");
  Rcpt("<info@example.net>", {{"{rcpt_addr}", "bob"}});
  EXPECT_EQ(Value(kRcpt), "bob@example.net") << "virtusertable";
  Rcpt("<bob>", {{"{rcpt_addr}", "bob"}});
  EXPECT_EQ(Value(kRcpt), "bob@mail.example.org");
  Mail("<>", {{"{mail_addr}", "MAILER-DAEMON"}});
  EXPECT_EQ(Value(kSender), "");
  EXPECT_EQ(Value(kSenderDomain), "(absent)");
}

TEST_F(SessionFactsTest, MailClearsTheLastMessage) {
  Mail("<a@x.org>", {{"{auth_authen}", "alice"}, {"{auth_type}", "PLAIN"}},
       {"SIZE=10"});
  EXPECT_EQ(Value(kAuthUser), "alice");
  EXPECT_EQ(Value(kAuthMethod), "PLAIN");
  Rcpt("<b@x.org>");
  decoder_.Data(FakeMacros{{"i", "4ABC"}});
  EXPECT_EQ(Value(kQueueId), "4ABC");
  Mail("<>");
  EXPECT_EQ(Value(kAuthUser), "(absent)");
  EXPECT_EQ(Value(kSenderSize), "(absent)");
  EXPECT_EQ(Value(kSenderLocal), "(absent)");
  EXPECT_EQ(Value(kRcpt), "(absent)");
  EXPECT_EQ(Value(kQueueId), "(absent)");
}

TEST_F(SessionFactsTest, RecipientIsWhatTheMtaResolved) {
  Rcpt("<\"b\"@Typed.example>",
       {{"{rcpt_addr}", "B@Resolved.example"}, {"{rcpt_mailer}", "relay"}});
  EXPECT_EQ(Value(kRcpt), "b@resolved.example");
  EXPECT_EQ(Value(kRcptLocal), "b");
  EXPECT_EQ(Value(kRcptDomain), "resolved.example");
  EXPECT_EQ(Value(kRcptRaw), "<\"b\"@Typed.example>");
  EXPECT_EQ(Value(kRcptMailer), "relay");
  EXPECT_FALSE(decoder_.rejected_by_mta());
}

TEST_F(SessionFactsTest, RcptClearsTheLastRecipientOnly) {
  facts_.SetNumber(kRcptCount, 1);
  Rcpt("<a%b@x.org>", {{"{rcpt_mailer}", "local"}},
       {"NOTIFY=never", "ORCPT=rfc822;a"});
  EXPECT_TRUE(facts_.present(kRcptRouted));
  EXPECT_EQ(Value(kRcptNotify), "NEVER");
  Rcpt("<c@x.org>");
  EXPECT_EQ(Value(kRcpt), "c@x.org");
  EXPECT_FALSE(facts_.present(kRcptRouted));
  EXPECT_EQ(Value(kRcptNotify), "(absent)");
  EXPECT_EQ(Value(kRcptOrcpt), "(absent)");
  EXPECT_EQ(Value(kRcptMailer), "(unknown)");
  EXPECT_EQ(Value(kRcptCount), "1");
}

struct RoutedCase {
  std::string_view typed;
  std::string resolved;
  bool routed = false;
};

TEST_F(SessionFactsTest, RoutedIsAskedOfTheAddressThatCounts) {
  const std::vector<RoutedCase> cases = {
      {.typed = "<a@x.org>", .resolved = ""},
      {.typed = "<a%y.org@x.org>", .resolved = "", .routed = true},
      {.typed = "<y.org!a@x.org>", .resolved = "", .routed = true},
      {.typed = "<a@y.org@x.org>", .resolved = "", .routed = true},
      {.typed = "<@x.org:a@y.org>", .resolved = "", .routed = true},
      {.typed = "<\"a%y.org\"@x.org>", .resolved = ""},
      {.typed = "<a%y.org@x.org>", .resolved = "a@y.org"},
  };
  for (const RoutedCase& test : cases) {
    Rcpt(test.typed, {{"{rcpt_addr}", test.resolved}});
    EXPECT_EQ(facts_.present(kRcptRouted), test.routed) << test.typed;
  }
}

TEST_F(SessionFactsTest, RejectedRecipientIsTheTypedOne) {
  Rcpt("<b@elsewhere.example>", {{"{rcpt_mailer}", "error"},
                                 {"{rcpt_host}", "5.7.1"},
                                 {"{rcpt_addr}", "Relay access denied"}});
  EXPECT_TRUE(decoder_.rejected_by_mta());
  EXPECT_EQ(Value(kRcpt), "b@elsewhere.example");
  Rcpt("<c@x.org>", {{"{rcpt_mailer}", "local"}});
  EXPECT_FALSE(decoder_.rejected_by_mta());
}

TEST_F(SessionFactsTest, QueueIdIsUnknownOnlyUntilItComes) {
  decoder_.Data(FakeMacros());
  EXPECT_EQ(Value(kQueueId), "(unknown)");
  decoder_.Data(FakeMacros{{"i", "4ABC"}});
  EXPECT_EQ(Value(kQueueId), "4ABC");
}

TEST_F(SessionFactsTest, ContentBeginsAnewWithEachMail) {
  facts_.ResizeHeaders(1);
  Mail("<a@x.org>");
  EXPECT_EQ(Value(kFromCount), "0");
  decoder_.AddHeader("From", "a@x.org", rules::HeaderId{0});
  decoder_.AddBody("body\r\n", 100);
  decoder_.EndMessage();
  EXPECT_EQ(Value(kBody), "body\r\n");
  decoder_.ClearMessage();
  EXPECT_EQ(Value(kBody), "(absent)");
  EXPECT_EQ(Value(kFrom), "(absent)");
  EXPECT_EQ(facts_.header_count({0}), 0u);
  Mail("<a@x.org>");
  decoder_.EndMessage();
  EXPECT_EQ(Value(kFromCount), "0");
  EXPECT_EQ(Value(kBody), "");
  EXPECT_EQ(Value(kMessageSize), "2");
}

class SessionTimeTest : public SessionFactsTest {
 protected:
  void SetUp() override { SetZone("Asia/Kolkata"); }  // UTC+5:30
  void TearDown() override { SetZone("UTC"); }
  static void SetZone(const char* zone) {
    setenv("TZ", zone, 1);
    tzset();
  }
  void Time(int64_t seconds) {
    decoder_.Time({.steady_us = 0, .wall_us = seconds * 1'000'000});
  }
};

TEST_F(SessionTimeTest, IsLocalAndMovesOnWithTheClock) {
  constexpr int64_t kMonday = 1'704'067'200;  // 2024-01-01 00:00:00 UTC
  constexpr int64_t kHour = 3600;
  Time(kMonday);
  EXPECT_EQ(Value(kTimeHour), "5");
  EXPECT_EQ(Value(kTimeWeekday), "Mon");
  Time(kMonday + kHour / 2 - 1);
  EXPECT_EQ(Value(kTimeHour), "5");
  Time(kMonday + kHour / 2);
  EXPECT_EQ(Value(kTimeHour), "6");
  Time(kMonday + 18 * kHour + kHour / 2);
  EXPECT_EQ(Value(kTimeHour), "0");
  EXPECT_EQ(Value(kTimeWeekday), "Tue");
}

TEST_F(SessionTimeTest, ComesBackAfterConnect) {
  Time(0);
  Connect(FakeMacros());
  EXPECT_EQ(Value(kTimeHour), "(absent)");
  Time(0);
  EXPECT_EQ(Value(kTimeHour), "5");
}

TEST_F(SessionFactsTest, DoesNotAllocateAfterWarmUp) {
  facts_.ResizeHeaders(1);
  const FakeMacros macros = PostfixConnect();
  const FakeMacros rcpt{{"{rcpt_mailer}", "local"},
                        {"{rcpt_addr}", "a.long.recipient@mail.example.org"}};
  const std::array<std::string_view, 2> parameters = {
      "SIZE=1000", "ENVID=a+2Blonger+2Benvelope+2Bidentifier"};
  const auto play = [&] {
    Connect(macros);
    decoder_.Helo({.macros = macros, .name = "mx.client.example.net"});
    decoder_.Time({.steady_us = 0, .wall_us = 0});
    decoder_.Mail({.macros = macros,
                   .path = "<a.rather.long.sender@mail.example.org>",
                   .parameters = parameters});
    decoder_.Rcpt({.macros = rcpt,
                   .path = "<a.rather.long.recipient@mail.example.org>",
                   .parameters = {}});
    decoder_.Data(macros);
    decoder_.AddHeader("From", "A Name <a.rather.long.author@example.org>",
                       rules::HeaderId{0});
    decoder_.AddBody("some text that is no short string at all", 100);
    decoder_.EndMessage();
    decoder_.ClearMessage();
  };
  play();
  const size_t before = ThreadAllocations();
  play();
  EXPECT_EQ(ThreadAllocations(), before);
}

}  // namespace
}  // namespace gate::policy
