#include "milter/reply.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

namespace gate::milter {
namespace {

using policy::Verdict;
using rules::Action;

Verdict Reject(std::string_view text) {
  Verdict verdict;
  verdict.action = Action::kReject;
  verdict.code = 554;
  verdict.enhanced = "5.7.1";
  verdict.text = text;
  return verdict;
}

Reply Encoded(std::string_view text) {
  Reply reply;
  EncodeReply(Reject(text), reply);
  return reply;
}

std::string Line(std::string_view text) {
  const Reply reply = Encoded(text);
  EXPECT_EQ(reply.line_count, 1u);
  return reply.lines[0];
}

TEST(Reply, CarriesCodesAndText) {
  const Reply reply = Encoded("Relaying denied");
  EXPECT_EQ(reply.code, "554");
  EXPECT_EQ(reply.enhanced, "5.7.1");
  ASSERT_EQ(reply.line_count, 1u);
  EXPECT_EQ(reply.lines[0], "Relaying denied");
}

TEST(Reply, KeepsTheCodeOfADefer) {
  Verdict verdict;
  verdict.action = Action::kDefer;
  verdict.code = 421;
  verdict.enhanced = "4.7.0";
  verdict.text = "Too many connections";
  Reply reply;
  EncodeReply(verdict, reply);
  EXPECT_EQ(reply.code, "421");
  EXPECT_EQ(reply.enhanced, "4.7.0");
}

TEST(Reply, CleansTexts) {
  struct Case {
    const char* name;
    std::string_view text;
    std::string_view line;
  };
  constexpr Case kCases[] = {
      {.name = "percent", .text = "all 100% of %s", .line = "all 100%% of %%s"},
      {.name = "line break", .text = "a\r\n250 ok", .line = "a??250 ok"},
      {.name = "escape", .text = "\x1b[31mred\x7f", .line = "?[31mred?"},
      {.name = "one mark a character",
       .text = "gr\xc3\xbc\xc3\x9f \xe2\x82\xac",
       .line = "gr?? ?"},
      {.name = "blanks around", .text = "  a b  ", .line = "a b"},
      {.name = "code", .text = "550 nobody", .line = " 550 nobody"},
      {.name = "code behind blanks", .text = " 4 things", .line = " 4 things"},
      {.name = "empty", .text = "", .line = "Rejected by local policy"},
      {.name = "blank", .text = "  ", .line = "Rejected by local policy"},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(Line(c.text), c.line) << c.name;
  }
}

TEST(Reply, SplitsLongTextsAtBlanks) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "word" + std::to_string(i) + " ";
  const Reply reply = Encoded(text);
  ASSERT_GE(reply.line_count, 2u);
  std::string joined;
  for (const std::string& line : reply.used()) {
    EXPECT_LE(line.size(), Reply::kMaxLine);
    EXPECT_EQ(line.substr(0, 4), "word");
    joined += line + " ";
  }
  EXPECT_EQ(joined, text);
}

TEST(Reply, NeverBeginsALineWithADigit) {
  std::string text = "x";
  for (int i = 0; i < 400; ++i) text += " " + std::to_string(550 + i % 5);
  const Reply reply = Encoded(text);
  ASSERT_GE(reply.line_count, 3u);
  for (const std::string& line : reply.used()) {
    EXPECT_FALSE(line[0] >= '0' && line[0] <= '9') << line;
  }
  EXPECT_EQ(Encoded(std::string(1000, '7')).lines[1].substr(0, 3), " 77");
}

TEST(Reply, CutsWordsThatAreLongerThanALine) {
  const Reply reply = Encoded(std::string(1000, 'x'));
  ASSERT_EQ(reply.line_count, 3u);
  EXPECT_EQ(
      reply.lines[0].size() + reply.lines[1].size() + reply.lines[2].size(),
      1000u);
}

TEST(Reply, NeverSplitsADoubledPercent) {
  for (const std::string prefix : {"", "x"}) {
    const Reply reply = Encoded(prefix + std::string(1000, '%'));
    for (const std::string& line : reply.used()) {
      EXPECT_LE(line.size(), Reply::kMaxLine);
      EXPECT_EQ(std::count(line.begin(), line.end(), '%') % 2, 0);
    }
  }
}

TEST(Reply, IsBounded) {
  const Reply reply = Encoded(std::string(60000, 'x'));
  EXPECT_EQ(reply.line_count, Reply::kMaxLines);
}

std::string WithTail(std::string_view text, std::string_view contact) {
  Verdict verdict = Reject(text);
  verdict.reference = 0x0123456789;
  verdict.shows_reference = true;
  verdict.contact = contact;
  Reply reply;
  EncodeReply(verdict, reply);
  EXPECT_LE(reply.line_count, Reply::kMaxLines);
  std::string joined;
  for (const std::string& line : reply.used()) {
    EXPECT_LE(line.size(), Reply::kMaxLine);
    EXPECT_FALSE(line[0] >= '0' && line[0] <= '9') << line;
    joined += joined.empty() ? line : "\n" + line;
  }
  return joined;
}

TEST(Reply, EndsInTheReference) {
  EXPECT_EQ(WithTail("Relaying denied", ""), "Relaying denied [04HM-ASW9]");
  EXPECT_EQ(WithTail("Relaying denied  ", ""), "Relaying denied [04HM-ASW9]");
  EXPECT_EQ(WithTail("", ""), "Rejected by local policy [04HM-ASW9]");
}

TEST(Reply, NamesWhomToAsk) {
  EXPECT_EQ(WithTail("Relaying denied", "postmaster@example.org"),
            "Relaying denied [04HM-ASW9], questions to postmaster@example.org");
  EXPECT_EQ(WithTail("Denied", "https://example.org/a%20b@c"),
            "Denied [04HM-ASW9], see https://example.org/a%%20b@c");
  Verdict verdict = Reject("Relaying denied");
  verdict.contact = "postmaster@example.org";
  Reply reply;
  EncodeReply(verdict, reply);
  EXPECT_EQ(reply.used()[0],
            "Relaying denied, questions to postmaster@example.org");
}

TEST(Reply, MovesTheReferenceWholeToTheNextLine) {
  for (size_t size = Reply::kMaxLine - 20; size < Reply::kMaxLine; ++size) {
    const std::string reply = WithTail(std::string(size, 'x'), "");
    EXPECT_NE(reply.find("[04HM-ASW9]"), std::string::npos) << size;
  }
}

TEST(Reply, ALongTextLeavesRoomForTheReference) {
  const std::string contact = "https://" + std::string(192, '%');
  std::string words;
  for (int i = 0; i < 10'000; ++i) words += "word ";
  for (const std::string& text :
       {std::string(60'000, 'x'), words, std::string(60'000, '7')}) {
    const std::string reply = WithTail(text, contact);
    EXPECT_NE(reply.find("[04HM-ASW9]"), std::string::npos);
    EXPECT_EQ(std::count(reply.begin(), reply.end(), '%'), 2 * 192);
    EXPECT_EQ(reply.back(), '%');
  }
}

TEST(Reply, IsReused) {
  Reply reply;
  EncodeReply(Reject(std::string(1000, 'x')), reply);
  EncodeReply(Reject("short"), reply);
  ASSERT_EQ(reply.line_count, 1u);
  EXPECT_EQ(reply.used()[0], "short");
}

TEST(HeaderValue, EncodesWhatIsNotAscii) {
  struct Case {
    const char* name;
    std::string_view value;
    std::string_view encoded;
  };
  constexpr Case kCases[] = {
      {.name = "plain", .value = "yes", .encoded = "yes"},
      {.name = "blanks inside", .value = " a  b ", .encoded = "a  b"},
      {.name = "line break", .value = "a\r\nBcc: x", .encoded = "a  Bcc: x"},
      {.name = "control",
       .value = std::string_view("a\0\x1b", 3),
       .encoded = "a??"},
      {.name = "word",
       .value = "gr\xc3\xbcn a",
       .encoded = "=?UTF-8?B?Z3LDvG4=?= a"},
      {.name = "neighbours",
       .value = "a \xc3\xbc  \xc3\xbc b",
       .encoded = "a =?UTF-8?B?w7wgIMO8?= b"},
      {.name = "forged word",
       .value = "=?utf-8?q?x?=",
       .encoded = "=?UTF-8?B?PT91dGYtOD9xP3g/PQ==?="},
      {.name = "empty", .value = "", .encoded = ""},
  };
  for (const Case& c : kCases) {
    EXPECT_EQ(EncodeHeaderValue("X-Gate", c.value), c.encoded) << c.name;
  }
}

TEST(HeaderValue, FoldsAtBlanks) {
  std::string value;
  for (int i = 0; i < 40; ++i) value += "word" + std::to_string(i) + " ";
  value.pop_back();
  const std::string encoded = EncodeHeaderValue("X-Gate", value);
  std::string unfolded;
  size_t column = std::string("X-Gate: ").size();
  for (const char c : encoded) {
    column = c == '\n' ? 0 : column + 1;
    EXPECT_LE(column, 78u);
    if (c != '\n') unfolded += c;
  }
  EXPECT_EQ(unfolded, value);
}

TEST(HeaderValue, CutsEncodedWordsBetweenCharacters) {
  std::string value;
  for (int i = 0; i < 100; ++i) value += "\xe2\x82\xac";
  const std::string encoded = EncodeHeaderValue("X-Gate", value);
  size_t words = 0;
  for (size_t at = 0; (at = encoded.find("=?UTF-8?B?", at)) != encoded.npos;
       ++at) {
    ++words;
  }
  EXPECT_EQ(words, 7u);  // 15 characters each
  EXPECT_EQ(encoded.find("=?UTF-8?B?4oKs"), 0u);
  EXPECT_EQ(encoded.find("?UTF-8?B?gq"), encoded.npos);
}

TEST(HeaderValue, EncodesWordsThatCannotBeFolded) {
  const std::string encoded =
      EncodeHeaderValue("X-Gate", std::string(2000, 'x'));
  for (size_t at = 0; at < encoded.size();) {
    const size_t end = std::min(encoded.find('\n', at), encoded.size());
    EXPECT_LE(end - at, 90u);
    at = end + 1;
  }
}

}  // namespace
}  // namespace gate::milter
