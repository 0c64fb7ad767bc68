#include "milter/negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gate::milter {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Features kAll = {.actions = 0x1ff, .steps = 0x1fffff};
constexpr uint32_t kAllSteps = 0x37f;  // connect to end of headers, data

uint32_t LeftOut(const Features& features) {
  return features.steps & kAllSteps & ~kStepNoUnknown;
}

TEST(Negotiation, LeavesOutEveryStepThatIsNotNeeded) {
  const Features features = Choose({}, kAll);
  EXPECT_EQ(LeftOut(features), kAllSteps & ~kStepNoUnknown);
  EXPECT_EQ(features.actions, kActionSetMacros);
}

TEST(Negotiation, AsksForTheStepsThatAreNeeded) {
  rules::Needs needs;
  needs.mail = needs.rcpt = true;
  EXPECT_EQ(LeftOut(Choose(needs, kAll)),
            kStepNoConnect | kStepNoHelo | kStepNoData | kStepNoHeaders |
                kStepNoEndOfHeaders | kStepNoBody);
  needs.connect = needs.helo = needs.data = needs.headers =
      needs.end_of_headers = needs.body = true;
  EXPECT_EQ(LeftOut(Choose(needs, kAll)), 0u);
}

TEST(Negotiation, WantsNoReplyWhereHeadersAreCollected) {
  rules::Needs needs;
  EXPECT_EQ(Choose(needs, kAll).steps & kStepNoReplyToHeaders, 0u);
  needs.headers = true;
  EXPECT_NE(Choose(needs, kAll).steps & kStepNoReplyToHeaders, 0u);
}

TEST(Negotiation, WantsNoReplyToHeadersThatCannotBeLeftOut) {
  const Features offered = {.actions = 0,
                            .steps = kAll.steps & ~kStepNoHeaders};
  EXPECT_NE(Choose({}, offered).steps & kStepNoReplyToHeaders, 0u);
}

TEST(Negotiation, WantsRejectedRecipientsOnlyWhenNeeded) {
  rules::Needs needs;
  EXPECT_EQ(Choose(needs, kAll).steps & kStepRejectedRecipients, 0u);
  needs.rejected_recipients = true;
  EXPECT_NE(Choose(needs, kAll).steps & kStepRejectedRecipients, 0u);
}

TEST(Negotiation, NeverWantsMoreThanIsOffered) {
  rules::Needs needs;
  needs.add_headers = needs.change_headers = needs.quarantine = true;
  needs.rejected_recipients = needs.headers = true;
  const Features offered = {.actions = kActionAddHeaders, .steps = 0x3f};
  const Features features = Choose(needs, offered);
  EXPECT_EQ(features.actions, kActionAddHeaders);
  EXPECT_EQ(features.steps & ~offered.steps, 0u);
}

std::vector<std::string_view> LostTo(const rules::Needs& needs,
                                     const Features& offered) {
  return Losses(Missing(needs, offered));
}

TEST(Negotiation, TellsWhatAnMtaCannotDo) {
  rules::Needs needs;
  needs.change_headers = needs.quarantine = true;
  EXPECT_THAT(LostTo(needs, {.actions = kActionQuarantine, .steps = 0}),
              ElementsAre("the MTA does not offer to change or remove headers: "
                          "rules that do so have no effect there"));
  EXPECT_THAT(LostTo(needs, kAll), IsEmpty());
}

// MILTER8_V*_PROTO_MASK of Postfix's milter8.c.
constexpr uint32_t kVersion2 = 0x7f;
constexpr uint32_t kVersion3 = kVersion2 | kStepNoUnknown;
constexpr uint32_t kVersion4 = kVersion3 | kStepNoData;

TEST(Negotiation, TellsWhichEventsAnOldMtaLacks) {
  rules::Needs needs;
  needs.connect = needs.helo = needs.mail = needs.rcpt = needs.headers =
      needs.end_of_headers = needs.body = needs.data = true;
  const auto data = HasSubstr("rules `at data` never run there");
  const auto rejected = HasSubstr("rcpt.rejected");
  EXPECT_THAT(LostTo(needs, {.steps = kVersion2}), IsEmpty());
  needs.rules_at_data = needs.rejected_recipients = true;
  EXPECT_THAT(LostTo(needs, {.steps = kVersion2}), ElementsAre(data, rejected));
  EXPECT_THAT(LostTo(needs, {.steps = kVersion3}), ElementsAre(data, rejected));
  EXPECT_THAT(LostTo(needs, {.steps = kVersion4}), ElementsAre(rejected));
  EXPECT_THAT(LostTo(needs, kAll), IsEmpty());
}

}  // namespace
}  // namespace gate::milter
