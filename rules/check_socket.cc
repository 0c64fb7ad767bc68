#include "rules/check_socket.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_format.h"
#include "rules/ascii.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"
#include "rules/policy.h"

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

bool IsName(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) {
    return IsAsciiAlnum(c) || c == '_' || c == '-';
  });
}

// Mode and name; a group is looked up when the socket is made.
void CheckOptionValue(CheckContext& context, std::string_view option,
                      const ast::Literal& value) {
  const std::string_view written = context.sources.Text(value.range);
  if (option == "mode" && !IsMode(context, value)) {
    ReportOption(context, value,
                 absl::StrFormat("`%s` is no file mode", written),
                 "a mode is octal, such as `660`");
  } else if (option == "as" && !IsName(value.text)) {
    ReportOption(context, value,
                 absl::StrFormat("%s is no name", Quoted(written)),
                 "names consist of letters, digits, `_` and `-`");
  }
}

// mode 660 group postfix as NAME, each once, in any order.
void CheckOptions(CheckContext& context, const ast::Set& set, bool is_unix,
                  bool may_have_name) {
  std::vector<std::string_view> seen;
  for (size_t i = 0; i < set.options.size(); i += 2) {
    const ast::Literal& name = set.options[i];
    const bool file = name.text == "mode" || name.text == "group";
    const bool known = file || (may_have_name && name.text == "as");
    const bool twice = std::ranges::find(seen, name.text) != seen.end();
    if (!known || twice || i + 1 == set.options.size()) {
      return ReportOption(
          context, name,
          absl::StrFormat("a socket does not take %s here",
                          Quoted(context.sources.Text(name.range))),
          may_have_name
              ? "`mode 660`, `group NAME` and `as NAME` may follow the address"
              : "`mode 660` and `group NAME` may follow the address");
    }
    if (file && !is_unix) {
      return ReportOption(
          context, name,
          absl::StrFormat("%s is for unix sockets", Quoted(name.text)), "");
    }
    seen.push_back(name.text);
    CheckOptionValue(context, name.text, set.options[i + 1]);
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
  CheckOptions(context, set, is_unix, /*may_have_name=*/!only_unix);
}

// One spelling for addresses that are one socket. `inet` and `inet6` differ
// only in the host that may be left out.
std::string CanonicalAddress(std::string_view address) {
  const bool inet6 = TakePrefix(address, "inet6:");
  if (!inet6 && !TakePrefix(address, "inet:")) return std::string(address);
  const size_t at = address.find('@');
  std::string_view host = inet6 ? "::1" : "127.0.0.1";
  if (at != std::string_view::npos) host = address.substr(at + 1);
  const auto ip = IpAddress::Parse(host);
  return absl::StrFormat("inet:%s@%s", address.substr(0, at),
                         ip ? ip->ToString() : std::string(host));
}

// The value of `as`; null: the socket has no name.
const ast::Literal* NameOf(const ast::Set& set) {
  for (size_t i = 0; i + 1 < set.options.size(); i += 2) {
    if (set.options[i].text == "as") return &set.options[i + 1];
  }
  return nullptr;
}

// The two are not told apart.
void CheckPair(CheckContext& context, const ast::Set& first,
               const ast::Set& second) {
  const auto report = [&](const ast::Literal& twice, std::string_view text) {
    context.diagnostics
        .Error(DiagnosticId::kDuplicateSetting, twice.range, std::string(text))
        .notes.push_back({first.range, "the first is here"});
  };
  if (CanonicalAddress(first.values[0].text) ==
      CanonicalAddress(second.values[0].text)) {
    report(second.values[0], "a socket has this address already");
  }
  const ast::Literal* name = NameOf(second);
  const ast::Literal* other = NameOf(first);
  if (name && other && name->text == other->text) {
    report(*name, "a socket has this name already");
  }
}

void CheckDoorOf(CheckContext& context, const ast::Set* door) {
  if (context.sockets.size() < 2) return;
  const bool libmilter = door ? door->values[0].text == "libmilter"
                              : Settings().door == Door::kLibmilter;
  if (!libmilter) return;
  Diagnostic& fault = context.diagnostics.Error(
      DiagnosticId::kBadSetting, context.sockets[1]->range,
      "libmilter listens on one socket");
  if (door) fault.notes.push_back({door->range, "the door is set here"});
  fault.help = "`set door native` listens on several";
}

}  // namespace

void CheckSockets(CheckContext& context, const ast::Tree& tree) {
  const ast::Set* door = nullptr;
  for (const ast::Statement& statement : tree.statements) {
    const auto* set = std::get_if<ast::Set>(&statement);
    if (!set || set->values.empty()) continue;
    if (set->key.text == "door") door = set;
    if (set->key.text != "socket") continue;
    for (const ast::Set* first : context.sockets) {
      CheckPair(context, *first, *set);
    }
    context.sockets.push_back(set);
    if (const ast::Literal* name = NameOf(*set)) {
      context.listeners.push_back(name->text);
    }
  }
  CheckDoorOf(context, door);
}

void CheckSocket(CheckContext& context, const ast::Set& set) {
  CheckAddress(context, set, /*only_unix=*/false);
}

void CheckControl(CheckContext& context, const ast::Set& set) {
  CheckAddress(context, set, /*only_unix=*/true);
}

}  // namespace gate::rules
