// The MTA's side of the milter protocol, version 6, for tests: negotiation,
// macros, all commands and replies. As an MTA does, it leaves out the steps
// that the milter did not want, and waits for no reply where none is due.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "milter/negotiation.h"

namespace gate::milter {

// Confined to one thread.
class MtaClient {
 public:
  // What Postfix 3.7 offers.
  static constexpr Features kPostfix = {.actions = 0x1ff, .steps = 0x1fffff};

  struct Packet {
    char command = 0;  // 0: closed, or silent for 10 s
    std::string data;
  };
  // To one event. `verdict`: c continue, a accept, r reject, t tempfail,
  // d discard, s skip, y reply code (then `text` is "554 5.7.1 ..."; lines
  // end with CR LF), 0 closed.
  struct Answer {
    char verdict = 0;
    bool sent = true;  // the step was wanted
    std::string text{};
    std::vector<Packet> changes{};  // h add, m change, q quarantine, ...
  };
  using Macros = std::vector<std::pair<std::string, std::string>>;

  explicit MtaClient(const std::string& socket_path);
  // Takes the descriptor of a connection.
  explicit MtaClient(int connection);
  MtaClient(const MtaClient&) = delete;
  MtaClient& operator=(const MtaClient&) = delete;
  ~MtaClient();

  // False when the milter hung up.
  bool Negotiate(const Features& offered = kPostfix, uint32_t version = 6);
  const Features& agreed() const { return agreed_; }
  // The macros that the milter asked for; key: SMFIM_* (0 connect, 1 helo,
  // 2 mail, 3 rcpt, 4 data, 5 end of message, 6 end of headers).
  const std::map<int, std::string>& wanted_macros() const { return macros_; }

  // For the next `command` (C H M R T L N E).
  void SendMacros(char command, const Macros& macros);

  // `address` without any: family unknown, as for local submission.
  Answer Connect(std::string_view host, std::string_view address,
                 uint16_t port);
  Answer Helo(std::string_view name);
  Answer Mail(std::string_view path,
              const std::vector<std::string>& parameters = {});
  Answer Rcpt(std::string_view path,
              const std::vector<std::string>& parameters = {});
  Answer Data();
  Answer Header(std::string_view name, std::string_view value);
  Answer EndOfHeaders();
  Answer Body(std::string_view chunk);
  Answer EndOfMessage();
  void Abort() { Send('A', ""); }
  void Quit() { Send('Q', ""); }
  void QuitForNewConnection() { Send('K', ""); }

  void Send(char command, std::string_view data);
  void SendBytes(std::string_view bytes);
  Packet Receive();
  // So many bytes; fewer: the milter has closed, or was silent for 10 s.
  std::string Read(size_t size);
  // Of the connection; stays the client's.
  int fd() const { return fd_; }

 private:
  Answer Ask(uint32_t left_out, char command, std::string_view data);
  Answer ReadAnswer();

  int fd_ = -1;
  Features agreed_;
  std::map<int, std::string> macros_;
};

}  // namespace gate::milter
