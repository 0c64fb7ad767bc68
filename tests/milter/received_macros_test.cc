// Each claim holds for libmilter's smfi_getsymval, too (libmilter/smfi.c), but
// where it says otherwise.
#include "milter/received_macros.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/allocations.h"
#include "tests/milter/mta_packets.h"

namespace gate::milter {
namespace {

class ReceivedMacrosTest : public ::testing::Test {
 protected:
  void Take(char command, const MtaMacros& macros) {
    const std::string data = MacrosPacket(command, macros).data;
    const std::optional<MacroBlock> block = DecodeMacros(data);
    ASSERT_TRUE(block);
    macros_.Take(*block);  // copies: `data` ends here
  }
  // "-": none.
  std::string Macro(std::string_view name) const {
    return std::string(macros_.Macro(name).value_or("-"));
  }

  ReceivedMacros macros_;
};

TEST_F(ReceivedMacrosTest, KeepsThoseOfEarlierCommands) {
  EXPECT_EQ(Macro("j"), "-");
  Take('C', {{"j", "mx.b.example"}, {"{daemon_name}", "smtpd"}});
  macros_.Begin(Command::kConnect);
  Take('M', {{"{auth_authen}", "alice"}});
  macros_.Begin(Command::kMail);
  EXPECT_EQ(Macro("j"), "mx.b.example");
  EXPECT_EQ(Macro("{daemon_name}"), "smtpd");
  EXPECT_EQ(Macro("{auth_authen}"), "alice");
  EXPECT_EQ(Macro("{auth}"), "-");
}

TEST_F(ReceivedMacrosTest, GivesTheValueOfTheLatestCommand) {
  Take('C', {{"i", "connect"}});
  Take('M', {{"i", "mail"}});
  EXPECT_EQ(Macro("i"), "mail");
  Take('R', {{"i", "rcpt"}});
  EXPECT_EQ(Macro("i"), "rcpt");
  Take('R', {});  // libmilter takes no notice of such a block
  EXPECT_EQ(Macro("i"), "mail");
}

TEST_F(ReceivedMacrosTest, ReplacesThoseOfTheSameCommand) {
  Take('M', {{"{auth_authen}", "alice"}, {"i", "1"}});
  Take('M', {{"i", "2"}});
  EXPECT_EQ(Macro("{auth_authen}"), "-");
  EXPECT_EQ(Macro("i"), "2");
}

TEST_F(ReceivedMacrosTest, DropsThoseOfLaterCommandsWhenACommandComes) {
  Take('C', {{"j", "mx"}});
  Take('M', {{"{auth_authen}", "alice"}});
  Take('R', {{"{rcpt_addr}", "b@b.example"}});
  Take('E', {{"{msg_id}", "1"}});
  macros_.Begin(Command::kRcpt);
  EXPECT_EQ(Macro("{msg_id}"), "-");
  EXPECT_EQ(Macro("{rcpt_addr}"), "b@b.example");
  macros_.Begin(Command::kMail);
  EXPECT_EQ(Macro("{rcpt_addr}"), "-");
  EXPECT_EQ(Macro("{auth_authen}"), "alice") << "sent for this one";
  macros_.Begin(Command::kHelo);
  EXPECT_EQ(Macro("{auth_authen}"), "-");
  EXPECT_EQ(Macro("j"), "mx");
  Take('C', {});
  EXPECT_EQ(Macro("j"), "-");
}

TEST_F(ReceivedMacrosTest, TakesNamesWithAndWithoutBraces) {
  Take('C', {{"{j}", "mx"}, {"i", "QID"}});
  EXPECT_EQ(Macro("j"), "mx");
  EXPECT_EQ(Macro("{j}"), "mx");
  EXPECT_EQ(Macro("{i}"), "QID");
  // libmilter knows only letters both ways.
  Take('H', {{"tls_version", "TLSv1.3"}});
  EXPECT_EQ(Macro("{tls_version}"), "TLSv1.3");
  EXPECT_EQ(Macro("{}"), "-");
  EXPECT_EQ(Macro(""), "-");
  EXPECT_EQ(Macro("{"), "-");
}

TEST_F(ReceivedMacrosTest, AnEmptyValueIsAValue) {
  Take('C', {{"i", "QID"}});
  Take('M', {{"i", ""}});
  EXPECT_EQ(Macro("i"), "");
}

TEST_F(ReceivedMacrosTest, KeepsNothingForCommandsWithoutAPlace) {
  Take('C', {{"j", "mx"}});
  for (const char command : {'U', 'A', 'Q', 'K', 'O', 'D', '\0', '\xff'}) {
    Take(command, {{"i", "QID"}});
    EXPECT_EQ(Macro("i"), "-") << command;
    macros_.Begin(static_cast<Command>(command));
    EXPECT_EQ(Macro("j"), "mx") << command;
  }
}

// libmilter takes none for single headers and chunks.
TEST_F(ReceivedMacrosTest, ThoseOfAHeaderAreThoseOfTheHeaders) {
  Take('L', {{"i", "header"}});
  EXPECT_EQ(Macro("i"), "header");
  Take('N', {{"i", "end"}});
  EXPECT_EQ(Macro("i"), "end");
  Take('B', {{"i", "body"}});
  EXPECT_EQ(Macro("i"), "body");
  macros_.Begin(Command::kHeader);
  EXPECT_EQ(Macro("i"), "end");
}

TEST_F(ReceivedMacrosTest, AllocatesNothingAfterTheFirstMessage) {
  const std::string data =
      MacrosPacket('R', {{"i", std::string(99, 'x')}}).data;
  MacroBlock block = *DecodeMacros(data);
  size_t allocated = 0;
  for (int message = 0; message < 10; ++message) {
    const size_t before = ThreadAllocations();
    for (const char command : {'C', 'H', 'M', 'R', 'R', 'T', 'N', 'E'}) {
      block.command = command;
      macros_.Take(block);
    }
    macros_.Clear();
    allocated = ThreadAllocations() - before;
  }
  EXPECT_EQ(allocated, 0u);
  EXPECT_EQ(Macro("i"), "-");
}

}  // namespace
}  // namespace gate::milter
