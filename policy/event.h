// SMTP events as doors and scenarios hand them to the engine: raw texts and
// macros. session_facts.cc turns them into typed facts, once for all doors.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "rules/ip_address.h"

namespace gate::policy {

// The MTA's macros at this event. Names as "{client_ptr}" and "j".
class MacroSource {
 public:
  virtual ~MacroSource() = default;
  // nullopt: not sent. Views are valid during the event.
  virtual std::optional<std::string_view> Macro(
      std::string_view name) const = 0;
};

struct ConnectEvent {
  const MacroSource& macros;
  std::string_view host;  // the MTA's name for the client, or "[192.0.2.1]"
  std::optional<rules::IpAddress> address;  // none: local (stdin, unix)
  uint16_t port = 0;  // 0 with localhost: submitted without SMTP
  // The name of our socket that the MTA came in by; empty: it has none.
  std::string_view listener = {};
};

struct HeloEvent {
  const MacroSource& macros;
  std::string_view name;
};

struct MailEvent {
  const MacroSource& macros;
  std::string_view path;                         // as typed, with <>
  std::span<const std::string_view> parameters;  // "SIZE=1000"
};

struct RcptEvent {
  const MacroSource& macros;
  std::string_view path;
  std::span<const std::string_view> parameters;
};

struct DataEvent {
  const MacroSource& macros;
};

// End of headers.
struct HeadersEvent {
  const MacroSource& macros;
};

// End of message.
struct MessageEvent {
  const MacroSource& macros;
};

}  // namespace gate::policy
