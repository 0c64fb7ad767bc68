#include "rules/check_web.h"

#include <string>
#include <utility>
#include <variant>

#include "absl/strings/str_format.h"
#include "rules/host_port.h"
#include "rules/ip_address.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

// What is wrong with the address; empty: `out` is set.
std::string PlaceFault(const ast::Literal& value, HostPort& out) {
  if (value.kind != Kind::kString) return "an address stands in quotes";
  std::string fault = ParseHostPort(value.text, out);
  if (!fault.empty()) return fault;
  if (!IpAddress::Parse(out.host)) {
    return absl::StrFormat("`%s` is no IP address: names are not looked up",
                           out.host);
  }
  return out.port ? "" : absl::StrFormat("`%s` has no port", value.text);
}

bool IsLoopback(const IpAddress& address) {
  static const IpPrefix kNetwork = *IpPrefix::Parse("127.0.0.0/8");
  return kNetwork.Contains(address) || address == *IpAddress::Parse("::1");
}

}  // namespace

void CheckMetrics(CheckContext& context, const ast::Set& set) {
  HostPort place;
  std::string fault = PlaceFault(set.values[0], place);
  if (fault.empty()) return;
  context.diagnostics
      .Error(DiagnosticId::kBadSetting, set.values[0].range, std::move(fault))
      .help = "such as `\"127.0.0.1:9554\"` or `\"[::1]:9554\"`";
}

void CheckWebPassword(CheckContext& context, const ast::Set& set) {
  const ast::Literal& from = set.values[0];
  const bool good = set.values.size() == 2 && from.kind == Kind::kWord &&
                    from.text == "from" &&
                    set.values[1].kind == Kind::kString &&
                    !set.values[1].text.empty();
  if (good) return;
  context.diagnostics
      .Error(DiagnosticId::kBadSetting, from.range,
             "the password stands in a file of its own")
      .help = "write `set web-password from \"web.password\"`";
}

void CheckWeb(CheckContext& context, const ast::Tree& tree) {
  const ast::Set* metrics = nullptr;
  for (const ast::Statement& statement : tree.statements) {
    const auto* set = std::get_if<ast::Set>(&statement);
    if (!set || set->values.empty()) continue;
    if (set->key.text == "web-password") return;
    if (set->key.text == "metrics") metrics = set;
  }
  HostPort place;
  if (!metrics || !PlaceFault(metrics->values[0], place).empty() ||
      IsLoopback(*IpAddress::Parse(place.host))) {
    return;
  }
  context.diagnostics
      .Error(DiagnosticId::kBadSetting, metrics->values[0].range,
             absl::StrFormat("%s is open to other machines, and there is no "
                             "password",
                             place.host))
      .help =
      "`set web-password from \"FILE\"` asks for one; `127.0.0.1` and `[::1]` "
      "need none";
}

std::string MetricsAddress(const ast::Set& set) {
  HostPort place;
  ParseHostPort(set.values[0].text, place);
  return absl::StrFormat("inet:%d@%s", place.port.value_or(0), place.host);
}

}  // namespace gate::rules
