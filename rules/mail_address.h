// Mail addresses as SMTP writes them: RFC 5321 4.1.2 with RFC 6531 3.3
// (quoted local parts, source routes, address literals, UTF-8).
//
// One parser for the envelope's facts and for literals and lists in rules, so
// that both have one normal form: local part unquoted where quotes are not
// needed and ASCII-folded (sites and MTAs treat case as one; a spammer must
// not get a second bucket by writing it differently), domain normalised by
// domain_name.h. The text as typed stays in sender.raw and rcpt.raw.
#pragma once

#include <string>
#include <string_view>

namespace gate::rules {

// Reused by its owner: Parse writes into the strings it holds.
struct MailAddress {
  std::string local;          // normal form; empty for <>
  std::string domain;         // normal form; empty when there is none
  std::string text;           // local@domain, or local alone; empty for <>
  bool source_route = false;  // <@a,@b:user@c>
  bool routed = false;        // unquoted %, ! or a second @ in the local part
  bool valid = false;  // by the grammar; an invalid one is still filled as
                       // well as it can be: split at the last unquoted @

  bool is_null() const { return text.empty(); }
};

// `path` with or without <>. Requires: valid UTF-8 (MakeValidUtf8).
void ParseMailAddress(std::string_view path, MailAddress& out);

}  // namespace gate::rules
