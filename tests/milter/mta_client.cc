#include "tests/milter/mta_client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstring>
#include <optional>

#include "tests/milter/wire.h"

namespace gate::milter {
namespace {

constexpr size_t kLargestPacket = 1 << 20;
constexpr char kVerdicts[] = "cartdsy4f";

std::string Arguments(std::string_view path,
                      const std::vector<std::string>& parameters) {
  std::string data;
  AppendText(path, data);
  for (const std::string& parameter : parameters) AppendText(parameter, data);
  return data;
}

}  // namespace

MtaClient::MtaClient(int connection) : fd_(connection) {
  const timeval patience = {.tv_sec = 10, .tv_usec = 0};
  setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
}

MtaClient::MtaClient(const std::string& socket_path)
    : MtaClient(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;
  socket_path.copy(address.sun_path, sizeof address.sun_path - 1);
  if (connect(fd_, reinterpret_cast<const sockaddr*>(&address),
              sizeof address) != 0) {
    close(fd_);
    fd_ = -1;
  }
}

MtaClient::~MtaClient() {
  if (fd_ >= 0) close(fd_);
}

void MtaClient::Send(char command, std::string_view data) {
  std::string packet;
  AppendPacket(command, data, packet);
  SendBytes(packet);
}

void MtaClient::SendBytes(std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t now = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (now <= 0) return;  // the next Receive tells
    bytes.remove_prefix(static_cast<size_t>(now));
  }
}

std::string MtaClient::Read(size_t size) {
  std::string bytes(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const ssize_t now = read(fd_, bytes.data() + filled, size - filled);
    if (now <= 0) break;
    filled += static_cast<size_t>(now);
  }
  bytes.resize(filled);
  return bytes;
}

MtaClient::Packet MtaClient::Receive() {
  const std::string head = Read(4);
  if (head.size() < 4) return {};
  const size_t size = NumberAt(head, 0);
  if (size == 0 || size > kLargestPacket) return {};
  const std::string data = Read(size);
  if (data.size() < size) return {};
  return {.command = data[0], .data = data.substr(1)};
}

bool MtaClient::Negotiate(const Features& offered, uint32_t version) {
  Send('O', NegotiationOffer(offered, version));
  const Packet reply = Receive();
  std::optional<NegotiationAnswer> answer;
  if (reply.command == 'O') answer = ReadNegotiation(reply.data);
  if (!answer) return false;
  agreed_ = answer->agreed;
  macros_ = std::move(answer->macros);
  return true;
}

void MtaClient::SendMacros(char command, const Macros& macros) {
  std::string data(1, command);
  for (const auto& [name, value] : macros) {
    AppendText(name, data);
    AppendText(value, data);
  }
  Send('D', data);
}

MtaClient::Answer MtaClient::ReadAnswer() {
  Answer answer;
  while (true) {
    Packet packet = Receive();
    if (packet.command == 'p') continue;
    if (packet.command != 0 &&
        std::strchr(kVerdicts, packet.command) == nullptr) {
      answer.changes.push_back(std::move(packet));
      continue;
    }
    answer.verdict = packet.command;
    answer.text = packet.data.substr(0, packet.data.find('\0'));
    return answer;
  }
}

MtaClient::Answer MtaClient::Ask(uint32_t left_out, char command,
                                 std::string_view data) {
  if ((agreed_.steps & left_out) != 0) return {.verdict = 'c', .sent = false};
  Send(command, data);
  return ReadAnswer();
}

MtaClient::Answer MtaClient::Connect(std::string_view host,
                                     std::string_view address, uint16_t port) {
  std::string data;
  AppendClient(host, address, port, data);
  return Ask(kStepNoConnect, 'C', data);
}

MtaClient::Answer MtaClient::Helo(std::string_view name) {
  return Ask(kStepNoHelo, 'H', Arguments(name, {}));
}

MtaClient::Answer MtaClient::Mail(std::string_view path,
                                  const std::vector<std::string>& parameters) {
  return Ask(kStepNoMail, 'M', Arguments(path, parameters));
}

MtaClient::Answer MtaClient::Rcpt(std::string_view path,
                                  const std::vector<std::string>& parameters) {
  return Ask(kStepNoRcpt, 'R', Arguments(path, parameters));
}

MtaClient::Answer MtaClient::Data() { return Ask(kStepNoData, 'T', ""); }

MtaClient::Answer MtaClient::Header(std::string_view name,
                                    std::string_view value) {
  std::string data;
  AppendText(name, data);
  AppendText(value, data);
  if ((agreed_.steps & kStepNoHeaders) == 0 &&
      (agreed_.steps & kStepNoReplyToHeaders) != 0) {
    Send('L', data);
    return {.verdict = 'c'};
  }
  return Ask(kStepNoHeaders, 'L', data);
}

MtaClient::Answer MtaClient::EndOfHeaders() {
  return Ask(kStepNoEndOfHeaders, 'N', "");
}

MtaClient::Answer MtaClient::Body(std::string_view chunk) {
  return Ask(kStepNoBody, 'B', chunk);
}

MtaClient::Answer MtaClient::EndOfMessage() { return Ask(0, 'E', ""); }

}  // namespace gate::milter
