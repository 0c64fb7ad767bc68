// The facts of the connection, HELO and time; that all of it keeps its memory.
#include "policy/session_facts.h"

#include <gtest/gtest.h>

#include <array>
#include <cstdlib>
#include <ctime>
#include <string>
#include <string_view>

#include "tests/allocations.h"
#include "tests/policy/session_facts_fixture.h"

namespace gate::policy {
namespace {

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
