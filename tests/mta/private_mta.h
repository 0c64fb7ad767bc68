// A private MTA below a temporary folder: what Postfix (private_postfix.h) and
// Sendmail (private_sendmail.h) have in common. Each is started by a script of
// its own, attached and listening as the files below contrib/ say.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tests/mta/child_process.h"
#include "tests/mta/smtp_client.h"
#include "tests/mta/temp_dir.h"

namespace gate::mta {

enum class Mta { kPostfix, kSendmail };

// Where an MTA listens. The others than kSmtp need Options::all_ports.
enum class Port {
  kSmtp,         // 25
  kSubmission,   // 587: STARTTLS, then AUTH
  kSubmissions,  // 465: TLS at once, then AUTH
  kReturn,       // 10025: mail that gatemilter does not see
};

// A message that an MTA delivered, once for each recipient.
struct Delivery {
  // Sendmail names local users without their domain.
  std::string recipient;
  // As delivered, but for the lines that the deliverer writes before it.
  std::string content;
  // `content` from the first line after the MTA's own Received.
  std::string original;
};

// A port of 127.0.0.1 that nobody else is given. The MTA can listen there all
// the same, and only it is connected to. Confined to one thread.
class ReservedPort {
 public:
  ReservedPort();
  ReservedPort(const ReservedPort&) = delete;
  ReservedPort& operator=(const ReservedPort&) = delete;
  ~ReservedPort();

  int number() const { return number_; }  // 0: there is none

 private:
  int fd_ = -1;  // bound, not listening
  int number_ = 0;
};

// Stops the MTA when it goes away. Thread-compatible.
class PrivateMta {
 public:
  struct Options {
    bool milter = true;      // attached to gatemilter
    bool open = false;       // relays for everybody
    bool all_ports = false;  // with STARTTLS, and AUTH: alice, "secret"
    // NAME=VALUE for main.cf, or lines for sendmail.mc.
    std::vector<std::string> settings = {};
  };
  PrivateMta(const PrivateMta&) = delete;
  PrivateMta& operator=(const PrivateMta&) = delete;
  virtual ~PrivateMta() = default;

  // Empty when it is ready; else what is wrong.
  const std::string& fault() const { return fault_; }
  const std::string& dir() const { return dir_.path(); }
  int port(Port port = Port::kSmtp) const {
    return ports_[static_cast<size_t>(port)].number();
  }
  // Where gatemilter must listen, and for whose group.
  virtual std::string milter_socket() const = 0;
  static std::string owner() { return "uucp"; }

  // Comes as `visitor` and says EHLO.
  virtual SmtpClient Visit(const Visitor& visitor, Port port) const = 0;
  // `text` (a policy, an address, a reply) with the addresses that visitors
  // have here instead of those of the documentation (192.0.2.0/24 ...).
  virtual std::string Here(std::string text) const { return text; }

  // What it logs for the reader of a failed test.
  virtual std::string Log() const = 0;
  // What it keeps of each quarantined message: the header is in it.
  virtual std::vector<std::string> Quarantine() const = 0;
  size_t Quarantined() const { return Quarantine().size(); }
  // Waits until nothing is left to be delivered.
  bool Drain(Milliseconds limit = std::chrono::seconds(30)) const;
  // All deliveries up to now.
  std::vector<Delivery> Deliveries() const;
  // Waits for `count` of them, then reads them.
  std::vector<Delivery> AwaitDeliveries(size_t count) const;

 protected:
  PrivateMta() = default;
  // Runs tests/mta/`script` until it listens.
  void Start(std::string_view script, const Options& options);
  // How many messages wait to be delivered.
  virtual size_t Waiting() const = 0;
  // The files below this folder of dir() whose name begins with `prefix`: how
  // many, and what is in them.
  size_t CountFiles(const std::string& folder,
                    std::string_view prefix = {}) const {
    return Files(folder, prefix).size();
  }
  std::vector<std::string> ReadFiles(const std::string& folder,
                                     std::string_view prefix = {}) const;

 private:
  std::vector<std::string> Files(const std::string& folder,
                                 std::string_view prefix) const;

  TempDir dir_;
  std::array<ReservedPort, 4> ports_;
  ChildProcess process_;
  std::string fault_;
};

std::unique_ptr<PrivateMta> StartMta(Mta mta,
                                     const PrivateMta::Options& options);

}  // namespace gate::mta
