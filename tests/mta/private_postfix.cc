#include "tests/mta/private_postfix.h"

#include <filesystem>

namespace gate::mta {
namespace {

constexpr char kUnpacked[] = GATE_SOURCE_DIR "/build/mta/postfix";

}  // namespace

PrivatePostfix::PrivatePostfix(const Options& options) {
  Start("private-postfix", options);
}

SmtpClient PrivatePostfix::Visit(const Visitor& visitor, Port port) const {
  return {this->port(port), visitor, {.tls = port == Port::kSubmissions}};
}

Command PrivatePostfix::Program(
    const std::string& name, const std::vector<std::string>& arguments) const {
  const bool installed =
      std::filesystem::exists("/usr/lib/postfix/sbin/master");
  const std::string prefix = installed ? "" : kUnpacked;
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
  return CountFiles("queue/" + queue);
}

}  // namespace gate::mta
