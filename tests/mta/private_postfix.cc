#include "tests/mta/private_postfix.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <filesystem>
#include <string_view>
#include <system_error>

namespace gate::mta {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kScript =
    GATE_SOURCE_DIR "/tests/mta/private-postfix";
constexpr std::string_view kUnpacked = GATE_SOURCE_DIR "/build/mta/postfix";

// A port of 127.0.0.1 that stays ours while the socket is open. Postfix sets
// SO_REUSEPORT: it can listen there all the same, and only it is connected to.
int ReservePort(int& port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  auto* generic = reinterpret_cast<sockaddr*>(&address);
  socklen_t size = sizeof address;
  if (bind(fd, generic, size) == 0 && getsockname(fd, generic, &size) == 0) {
    port = ntohs(address.sin_port);
  }
  return fd;
}

size_t CountFiles(const std::string& folder) {
  size_t count = 0;
  std::error_code error;
  for (fs::recursive_directory_iterator it(folder, error), end; it != end;
       it.increment(error)) {
    if (error) break;
    if (it->is_regular_file(error)) ++count;
  }
  return count;
}

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

}  // namespace

PrivatePostfix::PrivatePostfix(const Options& options)
    : reserved_(ReservePort(port_)), fault_(Start(options)) {}

PrivatePostfix::~PrivatePostfix() {
  master_.Stop();
  close(reserved_);
}

std::string PrivatePostfix::Start(const Options& options) {
  if (geteuid() != 0) return "a private Postfix needs root: run it with sudo";
  if (dir().empty() || port_ == 0) return "no folder below /tmp, or no port";
  Command command{.argv = {std::string(kScript)}};
  if (!options.milter) command.argv.emplace_back("--no-milter");
  if (options.open) command.argv.emplace_back("--open");
  command.argv.push_back(dir());
  command.argv.push_back(std::to_string(port_));
  command.argv.insert(command.argv.end(), options.main.begin(),
                      options.main.end());
  command.out = command.err = dir() + "/start.log";
  master_ = ChildProcess(command);
  const auto settled = [this] {
    return !master_.Running() ||
           Log().find("daemon started") != std::string::npos;
  };
  if (WaitUntil(settled, std::chrono::seconds(30)) && master_.Running()) {
    return {};
  }
  return "Postfix did not start: " + ReadFile(command.out) + Log();
}

Command PrivatePostfix::Program(
    const std::string& name, const std::vector<std::string>& arguments) const {
  const bool installed = fs::exists("/usr/lib/postfix/sbin/master");
  const std::string prefix = installed ? "" : std::string(kUnpacked);
  Command command{.argv = {prefix + "/usr/sbin/" + name}};
  command.argv.insert(command.argv.end(), arguments.begin(), arguments.end());
  command.environment = {"MAIL_CONFIG=" + dir() + "/etc"};
  if (!installed) {
    command.environment.push_back("LD_LIBRARY_PATH=" + prefix +
                                  "/usr/lib/postfix:" + prefix + "/usr/lib/" +
                                  GATE_MULTIARCH);
  }
  return command;
}

std::string PrivatePostfix::Log() const {
  return ReadFile(dir() + "/log/maillog");
}

size_t PrivatePostfix::Queued(const std::string& queue) const {
  return CountFiles(dir() + "/queue/" + queue);
}

bool PrivatePostfix::Drain(Milliseconds limit) const {
  return WaitUntil(
      [this] {
        return Queued("maildrop") + Queued("incoming") + Queued("active") == 0;
      },
      limit);
}

size_t PrivatePostfix::DeliveryCount() const {
  return CountFiles(dir() + "/mail/new");
}

std::vector<Delivery> PrivatePostfix::Deliveries() const {
  std::vector<Delivery> deliveries;
  std::error_code error;
  for (const auto& file : fs::directory_iterator(dir() + "/mail/new", error)) {
    deliveries.push_back(ParseDelivery(ReadFile(file.path())));
  }
  return deliveries;
}

std::vector<Delivery> PrivatePostfix::AwaitDeliveries(size_t count) const {
  WaitUntil([&] { return DeliveryCount() >= count; }, std::chrono::seconds(30));
  return Deliveries();
}

}  // namespace gate::mta
