// The fixture of the tests with a real Postfix: starts it and gatemilter, and
// lets visitors come.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "tests/mta/gatemilter_process.h"
#include "tests/mta/private_postfix.h"
#include "tests/mta/smtp_client.h"

namespace gate::mta {

class GateTest : public testing::Test {
 protected:
  // An open Postfix (only gatemilter refuses) with this policy. Ask
  // HasFatalFailure() or use ASSERT_NO_FATAL_FAILURE.
  void StartGate(const std::string& policy) {
    StartGate(policy, {.open = true});
  }
  void StartGate(const std::string& policy,
                 const PrivatePostfix::Options& options) {
    StartPostfix(options);
    if (HasFatalFailure()) return;
    gate_ = std::make_unique<GatemilterProcess>(
        GatemilterProcess::Options{.dir = postfix_->dir(),
                                   .milter_socket = postfix_->milter_socket(),
                                   .group = PrivatePostfix::owner(),
                                   .policy = policy});
    ASSERT_EQ(gate_->fault(), "");
  }
  void StartPostfix(const PrivatePostfix::Options& options) {
    postfix_ = std::make_unique<PrivatePostfix>(options);
    ASSERT_EQ(postfix_->fault(), "");
  }

  // Its exit status.
  int StopGate() {
    const int status = gate_->Stop();
    gate_.reset();
    return status;
  }

  SmtpClient Visit(const Visitor& visitor = {}) const {
    return {postfix_->port(), visitor};
  }

  PrivatePostfix& postfix() { return *postfix_; }
  GatemilterProcess& gate() { return *gate_; }

  void TearDown() override {
    if (gate_ != nullptr && !HasFailure()) {
      EXPECT_TRUE(gate_->Running()) << gate_->Log();
    }
    if (!HasFailure() || postfix_ == nullptr) return;
    if (gate_ != nullptr) std::cerr << "gatemilter:\n" << Tail(gate_->Log());
    std::cerr << "Postfix:\n" << Tail(postfix_->Log());
  }

 private:
  static std::string Tail(const std::string& log) {
    constexpr size_t kMost = 100'000;
    return log.size() > kMost ? log.substr(log.size() - kMost) : log;
  }

  std::unique_ptr<PrivatePostfix> postfix_;
  std::unique_ptr<GatemilterProcess> gate_;
};

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
