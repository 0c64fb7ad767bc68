#include "rules/check_socket.h"

#include <algorithm>
#include <string>
#include <string_view>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

// sun_path of sockaddr_un, with its final NUL.
constexpr size_t kMaxUnixPath = 107;
constexpr int kMaxPort = 65535;
constexpr int kMaxDescriptor = 1023;

bool TakePrefix(std::string_view& text, std::string_view prefix) {
  if (!text.starts_with(prefix)) return false;
  text.remove_prefix(prefix.size());
  return true;
}

bool IsNumber(std::string_view text, int least, int most) {
  int number = 0;
  return absl::SimpleAtoi(absl::string_view(text.data(), text.size()),
                          &number) &&
         number >= least && number <= most;
}

bool IsHost(std::string_view host) {
  return IpAddress::Parse(host).has_value() || IsDomain(host);
}

// What is wrong with the address; empty: nothing.
std::string UnixFault(std::string_view path) {
  if (!path.starts_with('/')) return "the path of a socket begins with `/`";
  if (path.size() > kMaxUnixPath) {
    return absl::StrFormat("the path of a socket has at most %d bytes",
                           kMaxUnixPath);
  }
  return "";
}

std::string InetFault(std::string_view rest) {
  const size_t at = rest.find('@');
  const std::string_view port = rest.substr(0, at);
  if (!IsNumber(port, 1, kMaxPort)) {
    return absl::StrFormat("`%s` is no port", port);
  }
  if (at != std::string_view::npos && !IsHost(rest.substr(at + 1))) {
    return absl::StrFormat("`%s` is no host", rest.substr(at + 1));
  }
  return "";
}

std::string AddressFault(std::string_view address, bool& is_unix) {
  is_unix = TakePrefix(address, "unix:");
  if (is_unix) return UnixFault(address);
  if (TakePrefix(address, "inet:") || TakePrefix(address, "inet6:")) {
    return InetFault(address);
  }
  if (TakePrefix(address, "fd:")) {
    return IsNumber(address, 0, kMaxDescriptor)
               ? ""
               : absl::StrFormat("`%s` is no file descriptor", address);
  }
  return absl::StrFormat("`%s` is no address of a socket", address);
}

bool IsMode(const CheckContext& context, const ast::Literal& mode) {
  const std::string_view text = context.sources.Text(mode.range);
  return mode.kind == Kind::kNumber && text.size() >= 3 && text.size() <= 4 &&
         std::all_of(text.begin(), text.end(),
                     [](char c) { return c >= '0' && c <= '7'; });
}

void ReportOption(CheckContext& context, const ast::Literal& option,
                  std::string text, std::string_view help) {
  context.diagnostics
      .Error(DiagnosticId::kBadSetting, option.range, std::move(text))
      .help = help;
}

// mode 660 group postfix, each once, in any order.
void CheckOptions(CheckContext& context, const ast::Set& set, bool is_unix) {
  bool seen_mode = false;
  bool seen_group = false;
  for (size_t i = 0; i < set.options.size(); i += 2) {
    const ast::Literal& name = set.options[i];
    bool* seen = name.text == "mode"    ? &seen_mode
                 : name.text == "group" ? &seen_group
                                        : nullptr;
    if (!seen || *seen || i + 1 == set.options.size()) {
      ReportOption(context, name,
                   absl::StrFormat("a socket does not take %s here",
                                   Quoted(context.sources.Text(name.range))),
                   "`mode 660` and `group NAME` may follow the address");
      return;
    }
    *seen = true;
    if (!is_unix) {
      ReportOption(context, name,
                   absl::StrFormat("%s is for unix sockets", Quoted(name.text)),
                   "");
      return;
    }
    const ast::Literal& value = set.options[i + 1];
    if (seen == &seen_mode && !IsMode(context, value)) {
      ReportOption(context, value,
                   absl::StrFormat("`%s` is no file mode",
                                   context.sources.Text(value.range)),
                   "a mode is octal, such as `660`");
    }
  }
}

void CheckAddress(CheckContext& context, const ast::Set& set, bool only_unix) {
  const ast::Literal& value = set.values[0];
  bool is_unix = false;
  std::string fault = AddressFault(value.text, is_unix);
  if (value.kind != Kind::kString) fault = "an address stands in quotes";
  if (fault.empty() && only_unix && !is_unix) {
    fault = "the control socket is a unix socket";
  }
  if (!fault.empty()) {
    context.diagnostics
        .Error(DiagnosticId::kBadSetting, value.range, std::move(fault))
        .help = only_unix ? "such as `\"unix:/run/gatemilter/control\"`"
                          : "such as `\"unix:/path\"`, "
                            "`\"inet:8891@127.0.0.1\"`, "
                            "`\"inet6:8891@::1\"` or `\"fd:3\"`";
    return;
  }
  CheckOptions(context, set, is_unix);
}

}  // namespace

void CheckSocket(CheckContext& context, const ast::Set& set) {
  CheckAddress(context, set, /*only_unix=*/false);
}

void CheckControl(CheckContext& context, const ast::Set& set) {
  CheckAddress(context, set, /*only_unix=*/true);
}

}  // namespace gate::rules
