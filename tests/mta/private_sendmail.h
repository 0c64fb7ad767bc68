// A private Sendmail (tests/mta/private-sendmail).
#pragma once

#include <string>
#include <vector>

#include "tests/mta/private_mta.h"

namespace gate::mta {

class PrivateSendmail : public PrivateMta {
 public:
  explicit PrivateSendmail(const Options& options);

  std::string milter_socket() const override {
    return dir() + "/gatemilter/milter.sock";
  }
  // From Here(visitor.address), which must be IPv4; name and login are not
  // looked at.
  SmtpClient Visit(const Visitor& visitor, Port port) const override;
  // 127.113.113.0/24, 127.51.100.0/24 and 127.0.2.0/24 for the networks of the
  // documentation; of 127.0.0.0/8 only 127.0.0.1 is left.
  std::string Here(std::string text) const override;
  // The SMTP dialogues: it logs to syslog, which tests leave alone.
  std::string Log() const override;
  std::vector<std::string> Quarantine() const override {
    return ReadFiles("queue", "hf");
  }

 protected:
  size_t Waiting() const override { return CountFiles("queue", "qf"); }
};

}  // namespace gate::mta
