#include "policy/from_field.h"

#include <gtest/gtest.h>

#include <array>
#include <string>
#include <string_view>

#include "tests/allocations.h"

namespace gate::policy {
namespace {

struct FromCase {
  std::string_view name;
  std::string_view raw;
  size_t count = 0;
  std::string_view first = {};  // of the first mailbox
};

class FromField : public testing::TestWithParam<FromCase> {};

TEST_P(FromField, HasSoManyMailboxes) {
  rules::MailAddress first;
  EXPECT_EQ(ParseFrom(GetParam().raw, first), GetParam().count);
  EXPECT_EQ(first.text, GetParam().first);
}

constexpr auto kUsual = std::to_array<FromCase>({
    {.name = "Bare", .raw = "a@x.org", .count = 1, .first = "a@x.org"},
    {.name = "Angle", .raw = "<a@x.org>", .count = 1, .first = "a@x.org"},
    {.name = "Named",
     .raw = "Alice Example <A@X.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "NameTouches",
     .raw = "Alice<a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "Folded",
     .raw = "Alice\r\n <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "QuotedName",
     .raw = "\"Example, Alice\" <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "QuotedNameWithAt",
     .raw = "\"ceo@bank.org\" <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "QuotedNameWithAngle",
     .raw = "\"b <b@y.org>\" <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "QuotedNameWithQuote",
     .raw = "\"a \\\" b@y.org\" <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "EncodedName",
     .raw = "=?utf-8?q?b=40y.org?= <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "NameWithDot",
     .raw = "Alice B. Example <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "NameIsItsAddress",
     .raw = "a@x.org <A@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "CommentBehind",
     .raw = "a@x.org (Alice, b@y.org)",
     .count = 1,
     .first = "a@x.org"},
    {.name = "Comments",
     .raw = "Pete(A nice \\) chap) <pete(his account)@silly.test(his host)>",
     .count = 1,
     .first = "pete@silly.test"},
    {.name = "NestedComment",
     .raw = "(a (b@y.org) c) a@x.org",
     .count = 1,
     .first = "a@x.org"},
    {.name = "BlanksAroundAt",
     .raw = "a @ x . org",
     .count = 1,
     .first = "a@x.org"},
    {.name = "QuotedLocalPart",
     .raw = "\"a b\"@x.org",
     .count = 1,
     .first = "\"a b\"@x.org"},
    {.name = "QuotedLocalPartWithAt",
     .raw = "<\"a@b\"@x.org>",
     .count = 1,
     .first = "\"a@b\"@x.org"},
    {.name = "Literal",
     .raw = "a@[IPv6:2001:db8::1]",
     .count = 1,
     .first = "a@[ipv6:2001:db8::1]"},
    {.name = "Route",
     .raw = "<@a.org,@b.org:u@x.org>",
     .count = 1,
     .first = "u@x.org"},
    {.name = "NameInBrackets",
     .raw = "[List] News <a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "WithoutDomain",
     .raw = "Cron Daemon <root>",
     .count = 1,
     .first = "root"},
    {.name = "Utf8",
     .raw = "Jürgen <jürgen@x.org>",
     .count = 1,
     .first = "jürgen@x.org"},
});
constexpr auto kNone = std::to_array<FromCase>({
    {.name = "Empty", .raw = ""},
    {.name = "Blanks", .raw = " \r\n "},
    {.name = "Name", .raw = "Alice Example"},
    {.name = "EmptyAngle", .raw = "Alice <>"},
    {.name = "BlankAngle", .raw = "Alice < >"},
    {.name = "Comment", .raw = "(a@x.org)"},
    {.name = "QuotedText", .raw = "\"a@x.org\""},
    {.name = "EmptyGroup", .raw = "undisclosed-recipients:;"},
    {.name = "Separators", .raw = ",,;:,"},
});
constexpr auto kSeveral = std::to_array<FromCase>({
    {.name = "Two", .raw = "a@x.org, b@y.org", .count = 2, .first = "a@x.org"},
    {.name = "TwoNamed",
     .raw = "A <a@x.org>, \"B\" <b@y.org>",
     .count = 2,
     .first = "a@x.org"},
    {.name = "Three",
     .raw = "a@x.org,b@y.org,c@z.org",
     .count = 3,
     .first = "a@x.org"},
    {.name = "EmptyPlaces",
     .raw = ", a@x.org,, b@y.org,",
     .count = 2,
     .first = "a@x.org"},
    {.name = "Group",
     .raw = "Us: a@x.org, B <b@y.org>;",
     .count = 2,
     .first = "a@x.org"},
    {.name = "Semicolon",
     .raw = "a@x.org; b@y.org",
     .count = 2,
     .first = "a@x.org"},
    {.name = "NoComma",
     .raw = "a@x.org b@y.org",
     .count = 2,
     .first = "a@x.org"},
    {.name = "TwoAngles",
     .raw = "<a@x.org> <b@y.org>",
     .count = 2,
     .first = "a@x.org"},
    {.name = "AnglesTouch",
     .raw = "<a@x.org><b@y.org>",
     .count = 2,
     .first = "a@x.org"},
    {.name = "BareNameIsAnAddress",
     .raw = "ceo@bank.org <a@x.org>",
     .count = 2,
     .first = "a@x.org"},
    {.name = "AddressBehindAngle",
     .raw = "<a@x.org> b@y.org",
     .count = 2,
     .first = "a@x.org"},
    {.name = "TwoAt",
     .raw = "a@y.org@x.org",
     .count = 2,
     .first = "\"a@y.org\"@x.org"},
    {.name = "TwoAtInAngle",
     .raw = "<a@y.org@x.org>",
     .count = 2,
     .first = "\"a@y.org\"@x.org"},
    {.name = "AngleInAngle",
     .raw = "<a@x.org <b@y.org>>",
     .count = 2,
     .first = "a@x.org"},
    {.name = "CommaInAngle",
     .raw = "<a@x.org,b@y.org>",
     .count = 2,
     .first = "\"a@x.org,b\"@y.org"},
    {.name = "SecondWithoutDomain",
     .raw = "a@x.org, Root <root>",
     .count = 2,
     .first = "a@x.org"},
    {.name = "OpenQuote",
     .raw = "\"Alice <a@x.org>, b@y.org",
     .count = 2,
     .first = "a@x.org"},
    {.name = "OpenComment",
     .raw = "(Alice <a@x.org>, b@y.org",
     .count = 2,
     .first = "a@x.org"},
    {.name = "StrayBrackets",
     .raw = "> a@x.org ) b@y.org ]",
     .count = 2,
     .first = "a@x.org"},
    {.name = "QuoteThatEndsInAnAngle",
     .raw = "\"Alice <a@x.org>\" b@y.org",
     .count = 1,
     .first = "b@y.org"},
});
constexpr auto kUnbalanced = std::to_array<FromCase>({
    {.name = "OpenAngle",
     .raw = "Alice <a@x.org",
     .count = 1,
     .first = "a@x.org"},
    {.name = "ClosedAngle",
     .raw = "Alice a@x.org>",
     .count = 1,
     .first = "a@x.org"},
    {.name = "OpenLiteral",
     .raw = "a@[192.0.2.1",
     .count = 1,
     .first = "a@192.0.2.1"},
    {.name = "LastBackslash",
     .raw = "a@x.org\\",
     .count = 1,
     .first = "a@x.org\\"},
});

constexpr auto kCaseName = [](const auto& test) {
  return std::string(test.param.name);
};
INSTANTIATE_TEST_SUITE_P(Usual, FromField, testing::ValuesIn(kUsual),
                         kCaseName);
INSTANTIATE_TEST_SUITE_P(None, FromField, testing::ValuesIn(kNone), kCaseName);
INSTANTIATE_TEST_SUITE_P(Several, FromField, testing::ValuesIn(kSeveral),
                         kCaseName);
INSTANTIATE_TEST_SUITE_P(Unbalanced, FromField, testing::ValuesIn(kUnbalanced),
                         kCaseName);

TEST(ParseFrom, LeavesTheAddressAloneWhenThereIsNone) {
  rules::MailAddress first;
  EXPECT_EQ(ParseFrom("a@x.org", first), 1u);
  EXPECT_EQ(ParseFrom("nobody", first), 0u);
  EXPECT_EQ(first.text, "a@x.org");
}

TEST(ParseFrom, DoesNotAllocateAfterWarmUp) {
  constexpr std::string_view kRaw =
      "\"A rather long name\" <a.rather.long.address@mail.example.org>";
  rules::MailAddress first;
  ParseFrom(kRaw, first);
  const size_t before = ThreadAllocations();
  ParseFrom(kRaw, first);
  EXPECT_EQ(ThreadAllocations(), before);
}

// Quadratic time would take minutes.
TEST(ParseFrom, TakesHostileInputInLinearTime) {
  for (const std::string_view piece :
       {"@", "<", ">", "\"", "(", ")", "\\\"", "\"\\", "(\\", "@[", ",", ":",
        "<\"", "a@b,", "(\"", "<(", "@ . ", "<@a:"}) {
    std::string raw;
    while (raw.size() < size_t{1} << 18) raw += piece;
    rules::MailAddress first;
    EXPECT_LE(ParseFrom(raw, first), raw.size()) << piece;
    EXPECT_LE(first.text.size(), 2 * raw.size() + 2) << piece;
  }
}

}  // namespace
}  // namespace gate::policy
