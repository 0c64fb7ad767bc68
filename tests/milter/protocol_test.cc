#include "milter/protocol.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/milter/mta_packets.h"

namespace gate::milter {
namespace {

using std::string_literals::operator""s;
using std::string_view_literals::operator""sv;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::Optional;

// --- Packets.

struct Taken {
  Split last = Split::kIncomplete;
  std::vector<MtaPacket> packets;
  size_t left = 0;
};

Taken TakeAll(std::string_view bytes) {
  Taken taken;
  Packet packet;
  while ((taken.last = TakePacket(bytes, packet)) == Split::kPacket) {
    taken.packets.push_back({packet.command, std::string(packet.data)});
  }
  taken.left = bytes.size();
  return taken;
}

TEST(TakePacket, TakesPacketsCutAnywhere) {
  const std::vector<MtaPacket> sent = {
      OfferPacket(),
      MacrosPacket('C', {}),
      ConnectPacket("mx.a.example", "192.0.2.1", 25),
      {'T'},
      {'B', std::string(300, '\0')},
      {'\0', "?"}};
  std::string stream;
  for (const MtaPacket& packet : sent) stream += Bytes(packet);
  for (size_t cut = 0; cut <= stream.size(); ++cut) {
    const Taken first = TakeAll(std::string_view(stream).substr(0, cut));
    EXPECT_EQ(first.last, Split::kIncomplete) << cut;
    Taken rest = TakeAll(std::string_view(stream).substr(cut - first.left));
    EXPECT_EQ(rest.left, 0u) << cut;
    std::vector<MtaPacket> all = first.packets;
    all.insert(all.end(), rest.packets.begin(), rest.packets.end());
    ASSERT_EQ(all, sent) << cut;
  }
}

TEST(TakePacket, TakesNothingOfAPacketThatIsNotComplete) {
  const std::string bytes = Bytes({'H', "mx.a.example\0"s});
  for (size_t size = 0; size < bytes.size(); ++size) {
    const Taken taken = TakeAll(std::string_view(bytes).substr(0, size));
    EXPECT_EQ(taken.last, Split::kIncomplete);
    EXPECT_EQ(taken.left, size);
    EXPECT_THAT(taken.packets, IsEmpty());
  }
}

TEST(TakePacket, KnowsTheSizesThatTheProtocolAllows) {
  constexpr struct {
    uint32_t length;
    Split expected;
  } kSizes[] = {
      {0, Split::kEmpty},           {1, Split::kPacket},
      {65535, Split::kPacket},      {65536, Split::kPacket},
      {65537, Split::kTooBig},      {1 << 20, Split::kTooBig},
      {0x7fffffff, Split::kTooBig}, {0x80000000, Split::kTooBig},
      {0xffffffff, Split::kTooBig},
  };
  for (const auto& [length, expected] : kSizes) {
    std::string bytes;
    AppendNumber(length, bytes);
    bytes.append(70000, 'B');
    std::string_view rest = bytes;
    Packet packet;
    EXPECT_EQ(TakePacket(rest, packet), expected) << length;
    if (expected != Split::kPacket) {
      EXPECT_EQ(rest.size(), bytes.size()) << length;
      continue;
    }
    EXPECT_EQ(packet.command, 'B');
    EXPECT_EQ(packet.data.size() + 1, length);
    EXPECT_EQ(rest.size(), bytes.size() - 4 - length);
  }
}

TEST(TakePacket, JudgesALengthBeforeTheDataHasCome) {
  std::string bytes;
  AppendNumber(65537, bytes);
  EXPECT_EQ(TakeAll(bytes).last, Split::kTooBig);
  EXPECT_EQ(TakeAll("\0\0\0\0"sv).last, Split::kEmpty);
}

// --- What the MTA says.

TEST(DecodeOffer, ReadsNumbersInNetworkOrder) {
  const std::optional<Offer> offer =
      DecodeOffer("\0\0\0\6\x01\x02\x03\x04\xff\xfe\xfd\xfc"sv);
  ASSERT_TRUE(offer);
  EXPECT_EQ(offer->version, 6u);
  EXPECT_EQ(offer->features.actions, 0x01020304u);
  EXPECT_EQ(offer->features.steps, 0xfffefdfcu);
}

TEST(DecodeOffer, WantsThreeNumbersAndAllowsMore) {
  const std::string data = OfferPacket().data;
  for (size_t size = 0; size < data.size(); ++size) {
    EXPECT_FALSE(DecodeOffer(std::string_view(data).substr(0, size))) << size;
  }
  EXPECT_TRUE(DecodeOffer(data + "\0\0\0\1{j}\0"s)) << "of a later version";
}

TEST(DecodeConnect, ReadsEachFamily) {
  const struct {
    std::string_view data;
    std::string_view host;
    const char* address;  // null: none
    uint16_t port;
  } kClients[] = {
      {"mx\0"
       "4\x61\xa8"
       "192.0.2.1\0"sv,
       "mx", "192.0.2.1", 25000},
      {"mx\0"
       "6\0\x19"
       "2001:db8::1\0"sv,
       "mx", "2001:db8::1", 25},
      {"mx\0"
       "6\0\x19"
       "IPv6:2001:db8::1\0"sv,
       "mx", "2001:db8::1", 25},
      {"mx\0"
       "6\0\0"
       "::ffff:192.0.2.1\0"sv,
       "mx", "192.0.2.1", 0},
      {"mx\0"
       "6\0\0"
       "fe80::1%eth0\0"sv,
       "mx", "fe80::1", 0},
      {"mx\0"
       "4\xff\xff"
       "192.0.2.1\0more"sv,
       "mx", "192.0.2.1", 65535},
      {"\0"
       "4\0\0"
       "192.0.2.1\0"sv,
       "", "192.0.2.1", 0},
      {"localhost\0L\0\0/run/x.sock\0"sv, "localhost", nullptr, 0},
      {"localhost\0U"sv, "localhost", nullptr, 0},
      {"localhost\0Umore"sv, "localhost", nullptr, 0},
  };
  for (const auto& client : kClients) {
    const std::optional<ConnectArguments> connect = DecodeConnect(client.data);
    ASSERT_TRUE(connect) << client.data;
    EXPECT_EQ(connect->host, client.host);
    EXPECT_EQ(connect->port, client.port);
    ASSERT_EQ(connect->address.has_value(), client.address != nullptr);
    if (client.address == nullptr) continue;
    EXPECT_EQ(connect->address->ToString(), client.address);
  }
}

TEST(DecodeConnect, RefusesWhatIsNoClient) {
  constexpr std::string_view kFaults[] = {
      "",
      "mx",      // no NUL
      "mx\0"sv,  // no family
      "mx\0"
      "4"sv,  // no port
      "mx\0"
      "4\0"sv,  // half a port
      "mx\0"
      "4\0\0"sv,  // no address
      "mx\0"
      "4\0\0"
      "192.0.2.1"sv,  // its NUL is missing
      "mx\0"
      "4\0\0\0"sv,  // an empty address
      "mx\0"
      "4\0\0"
      "192.0.2\0"sv,
      "mx\0"
      "4\0\0"
      "192.0.2.256\0"sv,
      "mx\0"
      "6\0\0"
      "2001:db8\0"sv,
      "mx\0"
      "6\0\0"
      "IPv6:\0"sv,
      "mx\0"
      "6\0\0"
      "%eth0\0"sv,
      "mx\0L\0\0/run/x.sock"sv,
      "mx\0X\0\0"
      "192.0.2.1\0"sv,  // an unknown family
      "mx\0\0\0\0"
      "192.0.2.1\0"sv,
  };
  for (const std::string_view data : kFaults) {
    EXPECT_FALSE(DecodeConnect(data)) << data;
  }
}

TEST(DecodeText, EndsAtItsNul) {
  EXPECT_THAT(DecodeText("mx.a.example\0"sv), Optional("mx.a.example"sv));
  EXPECT_THAT(DecodeText("mx\0more"sv), Optional("mx"sv));
  EXPECT_THAT(DecodeText("\0"sv), Optional(""sv));
  EXPECT_FALSE(DecodeText(""));
  EXPECT_FALSE(DecodeText("mx.a.example"));
}

TEST(DecodePath, SeparatesThePathFromItsParameters) {
  std::vector<std::string_view> parameters = {"of the command before"};
  EXPECT_THAT(DecodePath("<a@a.example>\0"sv, parameters),
              Optional("<a@a.example>"sv));
  EXPECT_THAT(parameters, IsEmpty());
  EXPECT_THAT(DecodePath("<>\0SIZE=10\0\0BODY=8BITMIME\0"sv, parameters),
              Optional("<>"sv));
  EXPECT_THAT(parameters, ElementsAre("SIZE=10", "", "BODY=8BITMIME"));
  EXPECT_THAT(DecodePath("\0"sv, parameters), Optional(""sv));
  for (const std::string_view data :
       {""sv, "<a@a.example>"sv, "<a@a.example>\0SIZE=10"sv, "\0x"sv}) {
    EXPECT_FALSE(DecodePath(data, parameters)) << data;
  }
}

TEST(DecodeHeader, WantsANameAndAValue) {
  const auto header = DecodeHeader("Subject\0 a\n b\0"sv);
  ASSERT_TRUE(header);
  EXPECT_EQ(header->name, "Subject");
  EXPECT_EQ(header->value, " a\n b");
  const auto empty = DecodeHeader("\0\0"sv);
  ASSERT_TRUE(empty);
  EXPECT_EQ(empty->name, "");
  EXPECT_EQ(empty->value, "");
  for (const std::string_view data :
       {""sv, "\0"sv, "Subject"sv, "Subject\0"sv, "Subject\0value"sv}) {
    EXPECT_FALSE(DecodeHeader(data)) << data;
  }
}

std::vector<std::string> Pairs(std::string_view data) {
  const std::optional<MacroBlock> block = DecodeMacros(data);
  if (!block) return {"malformed"};
  std::vector<std::string> texts = {std::string(1, block->command)};
  std::string_view pairs = block->pairs;
  std::string_view name;
  std::string_view value;
  while (TakeMacro(pairs, name, value)) {
    texts.push_back(std::string(name) + "=" + std::string(value));
  }
  EXPECT_EQ(pairs, "") << "nothing is left over";
  return texts;
}

TEST(DecodeMacros, ReadsPairsAlsoNone) {
  EXPECT_THAT(Pairs("C"), ElementsAre("C"));
  EXPECT_THAT(Pairs("Mi\0QID\0{auth_authen}\0\0"sv),
              ElementsAre("M", "i=QID", "{auth_authen}="));
  EXPECT_THAT(Pairs("M\0\0"sv), ElementsAre("M", "="));
  EXPECT_THAT(Pairs("\xff"
                    "a\0b\0"sv),
              ElementsAre("\xff", "a=b"));
}

TEST(DecodeMacros, RefusesOddLists) {
  for (const std::string_view data :
       {""sv, "C\0"sv, "Cj"sv, "Cj\0"sv, "Cj\0mx"sv, "Cj\0mx\0v\0"sv,
        "Cj\0mx\0v\0x"sv, "C\0\0\0"sv}) {
    EXPECT_THAT(Pairs(data), ElementsAre("malformed")) << data;
  }
}

TEST(TakeMacro, LeavesHalfAPair) {
  for (const std::string_view data : {""sv, "j"sv, "j\0"sv, "j\0mx"sv}) {
    std::string_view pairs = data;
    std::string_view name;
    std::string_view value;
    EXPECT_FALSE(TakeMacro(pairs, name, value)) << data;
  }
}

// --- What the milter says. The door's bytes are compared with libmilter's in
// same_bytes_test.cc.

TEST(Append, WritesPacketsBehindEachOther) {
  std::string out = "kept";
  AppendReply(ReplyCommand::kContinue, out);
  AppendReply(ReplyCommand::kDiscard, out);
  EXPECT_EQ(out, "kept\0\0\0\1c\0\0\0\1d"s);
}

TEST(Append, WritesWhatAnMtaCanRead) {
  std::string out;
  AppendAddHeader("X-Gate", "yes", out);
  AppendRemoveHeader("X-Secret", 0x01020304, out);
  AppendQuarantine("odd", out);
  EXPECT_THAT(
      ReadAnswer(out),
      Optional(ElementsAre(MtaPacket{'h', "X-Gate\0yes\0"s},
                           MtaPacket{'m', "\x01\x02\x03\x04X-Secret\0\0"s},
                           MtaPacket{'q', "odd\0"s})));
}

TEST(Append, WritesALongPacketsLength) {
  std::string out;
  AppendAddHeader("X-Gate", std::string(60000, 'x'), out);
  const auto packets = ReadAnswer(out);
  ASSERT_TRUE(packets);
  ASSERT_EQ(packets->size(), 1u);
  EXPECT_EQ(packets->front().data.size(), 60008u);
}

TEST(AppendReplyCode, WritesLinesAsSmtpDoes) {
  Reply reply{.code = "554",
              .enhanced = "5.7.1",
              .lines = {"one", "two", "of an earlier reply"},
              .line_count = 1};
  std::string out;
  AppendReplyCode(reply, out);
  EXPECT_THAT(ReadAnswer(out),
              Optional(ElementsAre(MtaPacket{'y', "554 5.7.1 one\0"s})));
  out.clear();
  reply.line_count = 2;
  AppendReplyCode(reply, out);
  EXPECT_THAT(ReadAnswer(out), Optional(ElementsAre(MtaPacket{
                                   'y', "554-5.7.1 one\r\n554 5.7.1 two\0"s})));
}

TEST(AppendNegotiation, AsksForMacrosByPlace) {
  const std::vector<std::string> mail = {"{auth_authen}", "i"};
  const std::vector<std::string> end = {"{msg_id}"};
  const MacroList lists[] = {
      {.place = MacroPlace::kMail, .names = mail},
      {.place = MacroPlace::kEndOfMessage, .names = end}};
  std::string out;
  AppendNegotiation(6, {.actions = 0x101, .steps = 0x80}, lists, out);
  EXPECT_THAT(ReadAnswer(out),
              Optional(ElementsAre(
                  MtaPacket{'O',
                            "\0\0\0\6\0\0\1\1\0\0\0\x80"
                            "\0\0\0\2{auth_authen} i\0\0\0\0\5{msg_id}\0"s})));
  out.clear();
  AppendNegotiation(2, {}, {}, out);
  EXPECT_EQ(out, "\0\0\0\x0dO\0\0\0\2\0\0\0\0\0\0\0\0"s);
}

}  // namespace
}  // namespace gate::milter
