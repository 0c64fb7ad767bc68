#include "tests/mta/private_mta.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <system_error>

#include "absl/strings/str_format.h"
#include "tests/mta/private_postfix.h"
#include "tests/mta/private_sendmail.h"

namespace gate::mta {
namespace {

namespace fs = std::filesystem;

constexpr char kScripts[] = GATE_SOURCE_DIR "/tests/mta/";

// Takes the first line of `text`, if it begins with `name`.
bool TakeHeader(std::string& text, std::string_view name, std::string& value) {
  if (text.compare(0, name.size(), name) != 0) return false;
  const size_t end = text.find('\n');
  value = text.substr(name.size(), end - name.size());
  text.erase(0, end + 1);
  return true;
}

Delivery ParseDelivery(std::string text) {
  Delivery delivery;
  std::string ignored;
  TakeHeader(text, "Return-Path: ", ignored);
  TakeHeader(text, "X-Original-To: ", delivery.recipient);
  TakeHeader(text, "Delivered-To: ", ignored);
  delivery.content = text;
  if (TakeHeader(text, "Received: ", ignored)) {
    while (TakeHeader(text, "\t", ignored)) {
    }
  }
  delivery.original = text;
  return delivery;
}

// Whether somebody does at this port of 127.0.0.1. Nobody is connected to,
// which the MTA would tell gatemilter. A log or a pid file is no proof:
// Sendmail writes its own between bind and listen.
bool Listens(int port) {
  const std::string line = absl::StrFormat(" 0100007F:%04X 00000000:0000 0A ",
                                           static_cast<unsigned>(port));
  return ReadFile("/proc/net/tcp").find(line) != std::string::npos;
}

}  // namespace

// Postfix sets SO_REUSEPORT when it listens, Sendmail SO_REUSEADDR.
ReservedPort::ReservedPort()
    : fd_(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  const int on = 1;
  setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd_, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd_, generic, size) == 0 && getsockname(fd_, generic, &size) == 0) {
    number_ = ntohs(address.sin_port);
  }
}

ReservedPort::~ReservedPort() { close(fd_); }

void PrivateMta::Start(std::string_view script, const Options& options) {
  const auto port_text = [this](Port which) {
    return std::to_string(port(which));
  };
  Command command{.argv = {kScripts + std::string(script)}};
  if (!options.milter) command.argv.emplace_back("--no-milter");
  if (options.open) command.argv.emplace_back("--open");
  if (options.all_ports) {
    command.argv.insert(
        command.argv.end(),
        {"--ports", port_text(Port::kSubmission), port_text(Port::kSubmissions),
         port_text(Port::kReturn)});
  }
  command.argv.insert(command.argv.end(), {dir(), port_text(Port::kSmtp)});
  command.argv.insert(command.argv.end(), options.settings.begin(),
                      options.settings.end());
  command.out = command.err = dir() + "/start.log";
  process_ = ChildProcess(command);
  const auto listens = [&] {
    const size_t used = options.all_ports ? ports_.size() : 1;
    return std::all_of(
        ports_.begin(), ports_.begin() + used,
        [](const ReservedPort& port) { return Listens(port.number()); });
  };
  const auto settled = [&] { return !process_.Running() || listens(); };
  if (WaitUntil(settled, std::chrono::seconds(30)) && process_.Running()) {
    return;
  }
  fault_ =
      std::string(script) + " did not start: " + ReadFile(command.out) + Log();
}

std::vector<std::string> PrivateMta::ReadFiles(const std::string& folder,
                                               std::string_view prefix) const {
  std::vector<std::string> contents;
  for (const std::string& file : Files(folder, prefix)) {
    contents.push_back(ReadFile(file));
  }
  return contents;
}

std::vector<std::string> PrivateMta::Files(const std::string& folder,
                                           std::string_view prefix) const {
  std::vector<std::string> files;
  std::error_code error;
  for (fs::recursive_directory_iterator it(dir() + "/" + folder, error), end;
       it != end; it.increment(error)) {
    if (error) break;
    const std::string name = it->path().filename().string();
    if (name.starts_with(prefix) && it->is_regular_file(error)) {
      files.push_back(it->path());
    }
  }
  return files;
}

bool PrivateMta::Drain(Milliseconds limit) const {
  return WaitUntil([this] { return Waiting() == 0; }, limit);
}

std::vector<Delivery> PrivateMta::Deliveries() const {
  std::vector<Delivery> deliveries;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(dir() + "/mail/new", error)) {
    deliveries.push_back(ParseDelivery(ReadFile(file.path())));
  }
  return deliveries;
}

std::vector<Delivery> PrivateMta::AwaitDeliveries(size_t count) const {
  WaitUntil([&] { return CountFiles("mail/new") >= count; },
            std::chrono::seconds(30));
  return Deliveries();
}

std::unique_ptr<PrivateMta> StartMta(Mta mta,
                                     const PrivateMta::Options& options) {
  if (mta == Mta::kPostfix) return std::make_unique<PrivatePostfix>(options);
  return std::make_unique<PrivateSendmail>(options);
}

}  // namespace gate::mta
