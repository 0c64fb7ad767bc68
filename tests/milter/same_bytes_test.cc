// Both doors answer with the same bytes: our own door's dialogue is compared
// with what libmilter really sends. What the two do differently on purpose is
// in milter/README.md, and in odd_dialogue_test.cc.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "tests/environment.h"
#include "tests/milter/dialogue_mta.h"
#include "tests/milter/door_process.h"
#include "tests/milter/generated_dialogue.h"
#include "tests/milter/mta_client.h"
#include "tests/rules/policy_text.h"

namespace gate::milter {
namespace {

using std::string_literals::operator""s;

struct Exchange {
  MtaPacket said;
  std::string answer;
};

// Lists of macros in the order of their places: libmilter sends end of message
// before end of headers, and no MTA minds.
std::string Sorted(std::string answer) {
  std::vector<std::string> lists;
  for (size_t at = 17; at + 4 < answer.size();) {
    const size_t end = answer.find('\0', at + 4) + 1;
    lists.push_back(answer.substr(at, end - at));
    at = end;
  }
  std::ranges::sort(lists);
  answer.resize(std::min<size_t>(answer.size(), 17));
  for (const std::string& list : lists) answer += list;
  return answer;
}

// Whether the answer ends the message that `said` belongs to: the MTA says no
// more of it.
bool EndsMessage(const MtaPacket& said, const std::string& answer) {
  const bool one_recipient = said.command == 'R';
  return !one_recipient && answer.size() > 4 &&
         std::string_view("rtyd").find(answer[4]) != std::string_view::npos;
}

bool IsOfMessage(const MtaPacket& packet) {
  return std::string_view("RTLNBE").find(packet.command) !=
         std::string_view::npos;
}

// What our dialogue answers, as far as an MTA would say all that: without the
// steps that are not wanted, and the rest of a message that was refused.
std::vector<Exchange> PlayNative(DialogueMta& mta,
                                 const std::vector<MtaPacket>& packets) {
  std::vector<Exchange> exchanges;
  Features agreed;
  bool ended = false;
  for (const MtaPacket& packet : packets) {
    ended = ended && IsOfMessage(packet);
    if (ended || LeftOut(packet, agreed)) continue;
    exchanges.push_back({packet, mta.Say(packet)});
    const std::string& answer = exchanges.back().answer;
    if (packet.command == 'O') {
      agreed = ReadNegotiation(answer.substr(5))->agreed;
    }
    ended = EndsMessage(packet, answer);
    if (mta.state() != Dialogue::State::kOpen) break;
  }
  return exchanges;
}

// Says the same to the door at `path`.
void ExpectSame(const std::vector<Exchange>& exchanges,
                const std::string& path) {
  MtaClient mta(path);
  std::string said;
  for (const auto& [packet, expected] : exchanges) {
    said += packet.command;
    mta.SendBytes(Bytes(packet));
    const std::string answer = mta.Read(expected.size());
    const bool offer = packet.command == 'O';
    ASSERT_EQ(offer ? Sorted(answer) : answer,
              offer ? Sorted(expected) : expected)
        << "after " << said << ' ' << packet.data;
  }
  if (exchanges.back().said.command != 'Q') mta.Quit();
  EXPECT_EQ(mta.Read(1), "") << "an answer too many, after " << said;
}

const MtaPacket kOffer = OfferPacket();
const MtaPacket kConnect = ConnectPacket("mx.a.example", "192.0.2.1", 25000);
const MtaPacket kHelo = TextsPacket('H', {"mx.a.example"});
const MtaPacket kMail = TextsPacket('M', {"<a@a.example>"});
const MtaPacket kRcpt = TextsPacket('R', {"<b@b.example>"});
const MtaPacket kEnd = {'E'};

struct Case {
  std::string name;
  std::string policy;
  std::vector<MtaPacket> packets;
};

std::vector<Case> Cases() {
  const std::string macros = R"(at rcpt {
    bob: reject 550 5.7.1 "Bob" when auth.user == "bob"
    all: reject 550 5.7.1 "To {rcpt}"
  })";
  const MtaPacket local = TextsPacket('R', {"<b>"});
  return {
      {"LongTextsOfRejections",
       "at rcpt { all: reject 550 5.7.1 \"" + std::string(900, '%') + "\" }",
       {kOffer, kConnect, kHelo, kMail, kRcpt, kRcpt}},
      {"MoreLinesThanAReplyHas",
       "at rcpt { all: reject 550 5.7.1 \"No {helo}\" }",
       {kOffer, kConnect, TextsPacket('H', {std::string(20000, 'x')}), kMail,
        kRcpt}},
      {"DefaultTexts",
       "at mail { m: defer when sender.local == \"d\" }\n"
       "at rcpt { r: reject when rcpt }",
       {kOffer, kConnect, TextsPacket('M', {"<d@d.example>"}), kMail, kRcpt}},
      {"HostileTexts",
       "at rcpt { all: reject 550 5.7.1 \"To {rcpt.raw} by {helo}\" }",
       {kOffer, kConnect, TextsPacket('H', {"4.7.1 \x1b\xff\r\n%s"}), kMail,
        TextsPacket('R', {"<\xc3\xbc%\t@b.example>"})}},
      {"ClientsOfEachFamily",
       "at connect { six: defer 421 4.7.0 \"At {client.ip} {client.port} "
       "{client.name}\" when client.port > 0 }",
       {kOffer,
        {'C',
         "x\0"
         "6\0\x19"
         "IPv6:2001:db8::1\0"s}}},
      {"MappedAddresses",
       "at mail { four: reject \"Four\" when client.ip == 192.0.2.1 }",
       {kOffer, ConnectPacket("x", "::ffff:192.0.2.1", 25), kMail}},
      {"UnixClients",
       "at mail { all: reject \"From {client.name}\" when not client.ip }",
       {kOffer, {'C', "here\0L\0\0/run/x\0"s}, kMail}},
      {"ClientsOfNoFamily",
       "at mail { all: reject \"From {client.name}\" when not client.ip }",
       {kOffer, {'C', "here\0U"s}, kMail}},
      {"MacrosAreReplaced",
       macros,
       {kOffer,
        kConnect,
        MacrosPacket('M', {{"{auth_authen}", "bob"}}),
        kMail,
        kRcpt,
        {'A'},
        MacrosPacket('M', {{"{auth_type}", "PLAIN"}}),
        kMail,
        kRcpt}},
      {"MacrosOfLaterCommandsAreDropped",
       macros,
       {kOffer,
        kConnect,
        kMail,
        MacrosPacket('R', {{"{rcpt_addr}", "x@x.x"}}),
        kRcpt,
        kRcpt,
        {'A'},
        kMail,
        kRcpt}},
      {"TheLatestMacroCounts",
       macros,
       {kOffer, MacrosPacket('C', {{"{rcpt_addr}", "c@c.c"}}), kConnect,
        MacrosPacket('M', {{"{rcpt_addr}", "m@m.m"}}), kMail, kRcpt,
        MacrosPacket('R', {{"{rcpt_addr}", "r@r.r"}}), kRcpt,
        MacrosPacket('R', {{"{rcpt_host}", "h"}}), kRcpt,
        MacrosPacket('T', {{"{rcpt_addr}", "t@t.t"}}), kRcpt}},
      {"MacrosByLetter",
       macros,
       {kOffer, MacrosPacket('C', {{"j", "mx.b.example"}}), kConnect, kMail,
        local}},
      {"MacrosByBraces",
       macros,
       {kOffer, MacrosPacket('C', {{"{j}", "mx.b.example"}}), kConnect, kMail,
        local}},
      {"MacrosWithoutMacros",
       macros,
       {kOffer, MacrosPacket('C', {}), kConnect, MacrosPacket('H', {}), kHelo,
        MacrosPacket('M', {{"", ""}}), kMail,
        MacrosPacket('R', {{"{rcpt_addr}", ""}}), kRcpt, local}},
      {"ANewConnectionOnTheSame",
       kDialoguePolicy,
       {kOffer,
        kConnect,
        kHelo,
        kMail,
        kRcpt,
        {'T'},
        {'N'},
        kEnd,
        {'K'},
        ConnectPacket("y", "203.0.113.9", 1),
        kMail}},
      {"UnknownCommands",
       "at rcpt { all: reject 550 5.7.1 \"No\" }",
       {OfferPacket({.actions = 0x1ff, .steps = 0x1fffff & ~kStepNoUnknown}),
        kConnect, TextsPacket('U', {"FOO"}), kMail, TextsPacket('U', {"BAR"}),
        kRcpt}},
      {"TheBodyIsSkipped",
       kDialoguePolicy,
       {kOffer,
        kConnect,
        kMail,
        kRcpt,
        {'T'},
        {'N'},
        {'B', std::string(65535, 'x')},
        {'B', "casino"},
        kEnd}},
      {"TheEndBringsTheLastOfTheBody",
       kDialoguePolicy,
       {kOffer, kConnect, kMail, kRcpt, {'T'}, {'N'}, {'E', "casino"}}},
  };
}

class SameBytes : public ::testing::TestWithParam<Case> {};

TEST_P(SameBytes, FromBothDoors) {
  const DoorProcess door(DoorKind::kLibmilter, GetParam().policy);
  DialogueWorld world(rules::CompileText(GetParam().policy));
  DialogueMta mta(world);
  const auto exchanges = PlayNative(mta, GetParam().packets);
  EXPECT_EQ(exchanges.back().said, GetParam().packets.back())
      << "the case says more than the protocol allows";
  ExpectSame(exchanges, door.path());
}

INSTANTIATE_TEST_SUITE_P(Cases, SameBytes, ::testing::ValuesIn(Cases()),
                         [](const auto& each) { return each.param.name; });

TEST(SameBytesOf, GeneratedSessions) {
  const DoorProcess door(DoorKind::kLibmilter, kDialoguePolicy);
  DialogueWorld world(rules::CompileText(kDialoguePolicy));
  const uint64_t first = FromEnvironment("GATE_SEED", 1);
  DialogueMta mta(world);
  size_t packets = 0;
  for (uint64_t seed = first; seed < first + 400; ++seed) {
    SCOPED_TRACE("GATE_SEED=" + std::to_string(seed));
    rules::SeededChoices choices(seed);
    // Nothing of the connection before is left over.
    mta.Reopen();
    const auto exchanges = PlayNative(mta, GenerateDialogue(choices));
    packets += exchanges.size();
    ExpectSame(exchanges, door.path());
    if (HasFailure()) break;
  }
  EXPECT_GT(packets, 4000u);
}

}  // namespace
}  // namespace gate::milter
