#include "milter/negotiation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gate::milter {
namespace {

using ::testing::ElementsAre;

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

TEST(Negotiation, TellsWhatAnMtaCannotDo) {
  rules::Needs needs;
  needs.change_headers = needs.quarantine = true;
  const uint32_t lost =
      MissingActions(needs, {.actions = kActionQuarantine, .steps = 0});
  EXPECT_THAT(ActionNames(lost), ElementsAre("change or remove headers"));
  EXPECT_EQ(MissingActions(needs, kAll), 0u);
}

}  // namespace
}  // namespace gate::milter
