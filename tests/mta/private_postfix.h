// A private Postfix below a temporary folder (tests/mta/private-postfix).
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/mta/child_process.h"
#include "tests/mta/temp_dir.h"

namespace gate::mta {

// A message that Postfix delivered, once for each recipient.
struct Delivery {
  std::string recipient;
  // As delivered, but for the lines that virtual(8) writes before it.
  std::string content;
  // `content` from the first line after Postfix's own Received.
  std::string original;
};

// Stops Postfix when it goes away. Thread-compatible.
class PrivatePostfix {
 public:
  struct Options {
    bool milter = true;                  // attached to gatemilter
    bool open = false;                   // relays for everybody
    std::vector<std::string> main = {};  // NAME=VALUE
  };
  explicit PrivatePostfix(const Options& options);
  ~PrivatePostfix();

  // Empty when it is ready; else what is wrong.
  const std::string& fault() const { return fault_; }
  int port() const { return port_; }
  const std::string& dir() const { return dir_.path(); }
  // Where gatemilter must listen.
  std::string milter_socket() const {
    return dir() + "/queue/gatemilter/milter.sock";
  }
  static std::string owner() { return "uucp"; }

  // Programs of the same Postfix: "sendmail", "smtp-source".
  Command Program(const std::string& name,
                  const std::vector<std::string>& arguments) const;

  std::string Log() const;
  // How many messages are in this queue: "hold", "deferred", "maildrop".
  size_t Queued(const std::string& queue) const;
  // Waits until nothing is in maildrop, incoming and active.
  bool Drain(Milliseconds limit = std::chrono::seconds(30)) const;
  // All deliveries up to now.
  std::vector<Delivery> Deliveries() const;
  // Waits for `count` of them, then reads them.
  std::vector<Delivery> AwaitDeliveries(size_t count) const;

 private:
  size_t DeliveryCount() const;
  std::string Start(const Options& options);

  TempDir dir_;
  int port_ = 0;
  int reserved_ = -1;  // a bound socket: nobody else is given the port
  ChildProcess master_;
  std::string fault_;
};

}  // namespace gate::mta
