#include "rules/mail_address.h"

#include <algorithm>

#include "rules/ascii.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"

namespace gate::rules {
namespace {

// RFC 5322 3.2.3, with UTF-8 by RFC 6531 3.3.
bool IsAtext(char c) {
  return IsAsciiAlnum(c) || !IsAscii({&c, 1}) ||
         std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) !=
             std::string_view::npos;
}

bool IsDotString(std::string_view text) {
  if (text.empty() || text.front() == '.' || text.back() == '.') return false;
  if (text.find("..") != std::string_view::npos) return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c == '.' || IsAtext(c); });
}

// Whether `text` is one Quoted-string of RFC 5321 4.1.2.
bool IsQuotedString(std::string_view text) {
  if (text.size() < 2 || text.front() != '"') return false;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size();
    if (text[i] == '\\') ++i;
    if (i >= text.size() || static_cast<unsigned char>(text[i]) < ' ' ||
        text[i] == '\x7f') {
      return false;
    }
  }
  return false;
}

// [192.0.2.1] or [IPv6:2001:db8::1] (RFC 5321 4.1.3): no other tag is
// registered.
bool IsAddressLiteral(std::string_view text) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') {
    return false;
  }
  constexpr std::string_view kTag = "IPv6:";
  std::string_view address = text.substr(1, text.size() - 2);
  const bool tagged = EqualFolded(address.substr(0, kTag.size()), kTag);
  if (tagged) address.remove_prefix(kTag.size());
  const bool has_colon = address.find(':') != std::string_view::npos;
  return has_colon == tagged && IpAddress::Parse(address).has_value();
}

// "@a,@b" (RFC 5321 4.1.2 A-d-l).
bool IsSourceRoute(std::string_view route) {
  for (;;) {
    const size_t comma = route.find(',');
    const std::string_view hop = route.substr(0, comma);
    if (!hop.starts_with('@') || !IsDomain(hop.substr(1))) return false;
    if (comma == std::string_view::npos) return true;
    route.remove_prefix(comma + 1);
  }
}

// What a pass over an address without brackets and route sees.
struct Split {
  size_t at = std::string_view::npos;  // the last unquoted '@'
  bool routed = false;                 // before it: an unquoted %, ! or @
  bool balanced = true;                // every quote is closed
};

// `quotes`: whether `"` quotes; a backslash quotes the next byte in any case.
Split FindAt(std::string_view text, bool quotes) {
  Split split;
  bool quoted = false;
  bool seen = false;  // a %, ! or @ that may turn out to be in the local part
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\') {
      ++i;
    } else if (c == '"' && quotes) {
      quoted = !quoted;
    } else if (quoted) {
      continue;
    } else if (c == '@') {
      split.routed = seen;
      split.at = i;
      seen = true;
    } else if (c == '%' || c == '!') {
      seen = true;
    }
  }
  if (split.at == std::string_view::npos) split.routed = seen;
  split.balanced = !quoted;
  return split;
}

// Appends `local` without its quotes and backslashes, then folds.
void Unquote(std::string_view local, bool quotes, std::string& out) {
  for (size_t i = 0; i < local.size(); ++i) {
    if (local[i] == '\\' && i + 1 < local.size()) {
      ++i;
    } else if (local[i] == '"' && quotes) {
      continue;
    }
    out += FoldAscii(local[i]);
  }
}

// Appends `local` as a Quoted-string with no backslash that is not needed.
void AppendQuoted(std::string_view local, std::string& out) {
  out += '"';
  for (const char c : local) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// Takes <...> away; false when a bracket has no partner. A bracket alone
// stays: it must not become the null path.
bool StripBrackets(std::string_view& path) {
  if (path.size() < 2) return true;
  const bool open = path.starts_with('<');
  const bool close = path.ends_with('>');
  if (open) path.remove_prefix(1);
  if (close) path.remove_suffix(1);
  return open == close;
}

// Takes "@a,@b:" away and returns it without the colon; empty: there is none.
std::string_view TakeRoute(std::string_view& path) {
  const size_t colon = path.find(':');
  if (!path.starts_with('@') || colon == std::string_view::npos) return {};
  const std::string_view route = path.substr(0, colon);
  path.remove_prefix(colon + 1);
  return route;
}

bool IsMailbox(std::string_view local, std::string_view domain, bool has_at) {
  if (!IsDotString(local) && !IsQuotedString(local)) return false;
  if (!has_at) return EqualFolded(local, "postmaster");
  return IsDomain(domain) || IsAddressLiteral(domain);
}

}  // namespace

void ParseMailAddress(std::string_view path, MailAddress& out) {
  out.local.clear();
  out.domain.clear();
  out.text.clear();
  out.source_route = false;
  out.routed = false;
  out.valid = StripBrackets(path);
  if (path.empty()) return;

  const std::string_view route = TakeRoute(path);
  if (!route.empty()) {
    out.source_route = true;
    out.valid = out.valid && IsSourceRoute(route);
  }
  Split split = FindAt(path, /*quotes=*/true);
  const bool quotes = split.balanced;
  if (!quotes) split = FindAt(path, quotes);
  out.routed = split.routed;
  const bool has_at = split.at != std::string_view::npos;
  const std::string_view local = path.substr(0, split.at);
  const std::string_view domain =
      has_at ? path.substr(split.at + 1) : std::string_view();
  out.valid = out.valid && IsMailbox(local, domain, has_at);

  Unquote(local, quotes, out.text);
  if (IsDotString(out.text)) {
    out.local = out.text;
  } else if (!local.empty()) {
    AppendQuoted(out.text, out.local);
  }
  NormalizeDomain(domain, out.domain);
  out.text = out.local;
  if (!has_at) return;
  out.text += '@';
  out.text += out.domain;
}

}  // namespace gate::rules
