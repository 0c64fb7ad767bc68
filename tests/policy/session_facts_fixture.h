// SessionFacts, fed with events whose macros a test says.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "policy/session_facts.h"

namespace gate::policy {

using rules::FactId;
using rules::FactSet;
using rules::Presence;
using enum FactId;

class FakeMacros : public MacroSource {
 public:
  using Map = std::map<std::string, std::string, std::less<>>;
  FakeMacros() = default;
  FakeMacros(std::initializer_list<Map::value_type> macros) : macros_(macros) {}
  explicit FakeMacros(Map macros) : macros_(std::move(macros)) {}
  std::optional<std::string_view> Macro(std::string_view name) const override {
    const auto found = macros_.find(name);
    if (found == macros_.end()) return std::nullopt;
    return found->second;
  }

 private:
  Map macros_;
};

// What Postfix 3.7 sends when asked for all (facts.md section 2).
inline FakeMacros PostfixConnect() {
  return {{"j", "mail.Example.org"},
          {"v", "Postfix 3.7.11"},
          {"{daemon_name}", "smtpd"},
          {"{daemon_addr}", "198.51.100.25"},
          {"{daemon_port}", "25"},
          {"{client_addr}", "192.0.2.1"},
          {"{client_port}", "34567"},
          {"{client_name}", "MX.Client.example"},
          {"{client_ptr}", "mx.client.example"},
          {"{client_resolve}", "OK"}};
}

class SessionFactsTest : public testing::Test {
 protected:
  void Connect(const MacroSource& macros,
               std::string_view host = "mx.client.example",
               std::string_view address = "192.0.2.1", uint16_t port = 34567) {
    decoder_.Connect({.macros = macros,
                      .host = host,
                      .address = rules::IpAddress::Parse(address),
                      .port = port});
  }
  void Mail(std::string_view path, const FakeMacros& macros = {},
            const std::vector<std::string_view>& parameters = {}) {
    decoder_.Mail({.macros = macros, .path = path, .parameters = parameters});
  }
  void Rcpt(std::string_view path, const FakeMacros& macros = {},
            const std::vector<std::string_view>& parameters = {}) {
    decoder_.Rcpt({.macros = macros, .path = path, .parameters = parameters});
  }
  // The value as text; "(absent)" and "(unknown)".
  std::string Value(FactId id) const {
    if (facts_.presence(id) == Presence::kUnknown) return "(unknown)";
    if (!facts_.present(id)) return "(absent)";
    std::string out;
    facts_.AppendValue(id, {}, out);
    return out;
  }
  bool Missing(FactId id) const {
    return decoder_.missing().test(static_cast<size_t>(id));
  }
  bool Sent(FactId id) const {
    return decoder_.sent().test(static_cast<size_t>(id));
  }

  FactSet facts_;
  SessionFacts decoder_{facts_};
};

}  // namespace gate::policy
