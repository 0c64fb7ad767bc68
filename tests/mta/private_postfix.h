// A private Postfix (tests/mta/private-postfix).
#pragma once

#include <string>
#include <vector>

#include "tests/mta/private_mta.h"

namespace gate::mta {

class PrivatePostfix : public PrivateMta {
 public:
  explicit PrivatePostfix(const Options& options);

  std::string milter_socket() const override {
    return dir() + "/queue/gatemilter/milter.sock";
  }
  // By XCLIENT: any address, name and login.
  SmtpClient Visit(const Visitor& visitor, Port port) const override;
  std::string Log() const override;
  std::vector<std::string> Quarantine() const override {
    return ReadFiles("queue/hold");
  }

  // Programs of the same Postfix: "sendmail", "smtp-source".
  Command Program(const std::string& name,
                  const std::vector<std::string>& arguments) const;
  // How many messages are in this queue: "hold", "deferred", "maildrop".
  size_t Queued(const std::string& queue) const;

 protected:
  size_t Waiting() const override {
    return Queued("maildrop") + Queued("incoming") + Queued("active");
  }
};

}  // namespace gate::mta
