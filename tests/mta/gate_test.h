// The fixtures of the tests with a real MTA: they start it and gatemilter, and
// let visitors come.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/mta/gatemilter_process.h"
#include "tests/mta/private_mta.h"
#include "tests/mta/private_postfix.h"
#include "tests/mta/smtp_client.h"

namespace gate::mta {

// With Postfix, for what Sendmail does not have.
class GateTest : public testing::Test {
 protected:
  explicit GateTest(Mta kind = Mta::kPostfix) : kind_(kind) {}

  // An open MTA (only gatemilter refuses) with this policy, in which addresses
  // are replaced by those of visitors (PrivateMta::Here). Ask
  // HasFatalFailure() or use ASSERT_NO_FATAL_FAILURE.
  void StartGate(const std::string& policy) {
    StartGate(policy, {.open = true});
  }
  void StartGate(const std::string& policy,
                 const PrivateMta::Options& options) {
    StartMta(options);
    if (HasFatalFailure()) return;
    StartDaemon(mta_->Here(policy));
  }
  // Next to the MTA; `sockets` are handed down. Ends one that runs.
  void StartDaemon(const std::string& policy,
                   const std::vector<int>& sockets = {}) {
    gate_.reset();
    stopped_ = false;
    gate_ = std::make_unique<GatemilterProcess>(
        GatemilterProcess::Options{.dir = mta_->dir(),
                                   .milter_socket = mta_->milter_socket(),
                                   .group = PrivateMta::owner(),
                                   .policy = policy,
                                   .sockets = sockets});
    ASSERT_EQ(gate_->fault(), "");
  }
  void StartMta(const PrivateMta::Options& options) {
    mta_ = mta::StartMta(kind_, options);
    ASSERT_EQ(mta_->fault(), "");
  }

  // Its exit status.
  int StopGate() {
    stopped_ = true;
    return gate_->Stop();
  }

  SmtpClient Visit(const Visitor& visitor = {}, Port port = Port::kSmtp) const {
    return mta_->Visit(visitor, port);
  }
  // For what the two MTAs do differently.
  template <class Value>
  Value PostfixOrSendmail(Value postfix, Value sendmail) const {
    return kind_ == Mta::kPostfix ? postfix : sendmail;
  }

  PrivateMta& mta() { return *mta_; }
  PrivatePostfix& postfix() { return dynamic_cast<PrivatePostfix&>(*mta_); }
  GatemilterProcess& gate() { return *gate_; }

  void TearDown() override {
    if (gate_ != nullptr && !stopped_ && !HasFailure()) {
      EXPECT_TRUE(gate_->Running()) << gate_->Log();
    }
    if (!HasFailure() || mta_ == nullptr) return;
    if (gate_ != nullptr) std::cerr << "gatemilter:\n" << Tail(gate_->Log());
    std::cerr << "MTA:\n" << Tail(mta_->Log());
  }

 private:
  static std::string Tail(const std::string& log) {
    constexpr size_t kMost = 100'000;
    return log.size() > kMost ? log.substr(log.size() - kMost) : log;
  }

  Mta kind_;
  std::unique_ptr<PrivateMta> mta_;
  std::unique_ptr<GatemilterProcess> gate_;
  bool stopped_ = false;
};

// With Postfix, and then with Sendmail: TEST_P, and GATE_BOTH_MTAS(fixture).
class BothMtasTest : public GateTest, public testing::WithParamInterface<Mta> {
 protected:
  BothMtasTest() : GateTest(GetParam()) {}

  // The reply "CODE X.Y.Z TEXT" to MAIL or RCPT of `path`: Sendmail puts the
  // address into those of 450, 550 and 553.
  std::string AsHeard(const std::string& reply, const std::string& path) const {
    constexpr size_t kText = std::string_view("550 5.7.1 ").size();
    return PostfixOrSendmail(reply,
                             std::string(reply).insert(kText, path + "... "));
  }
};

inline const char* Name(Mta mta) {
  return mta == Mta::kPostfix ? "Postfix" : "Sendmail";
}
inline void PrintTo(Mta mta, std::ostream* out) { *out << Name(mta); }

#define GATE_BOTH_MTAS(fixture)                                     \
  INSTANTIATE_TEST_SUITE_P(                                         \
      Mta, fixture, testing::Values(Mta::kPostfix, Mta::kSendmail), \
      [](const auto& each) { return std::string(Name(each.param)); })

inline constexpr char kCleanMessage[] =
    "From: Alice <alice@sender.example>\n"
    "To: bob@example.org\n"
    "Subject: lunch\n"
    "Date: Mon, 23 Nov 2026 12:00:00 +0000\n"
    "Message-ID: <1@sender.example>\n"
    "\n"
    "At noon?\n"
    ".a line with a dot\n"
    "\n"
    "Alice\n";

}  // namespace gate::mta
