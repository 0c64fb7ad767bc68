#include "rules/glob.h"

#include <cstddef>

#include "rules/ascii.h"

namespace gate::rules {
namespace {

// Bytes above 0x7f are parts of UTF-8 characters and go as they are.
void AppendLiteral(char c, std::string& out) {
  if (c == '\0') {
    out += "\\x00";
    return;
  }
  if (IsAscii({&c, 1}) && !IsAsciiAlnum(c) && c != '_') out += '\\';
  out += c;
}

// The end (behind `]`) of the class that begins at `open`; npos: not closed.
size_t ClassEnd(std::string_view glob, size_t open) {
  size_t i = open + 1;
  if (i < glob.size() && (glob[i] == '!' || glob[i] == '^')) ++i;
  if (i < glob.size() && glob[i] == ']') ++i;  // first: itself
  for (; i < glob.size(); ++i) {
    if (glob[i] == ']') return i + 1;
    if (glob[i] == '\\') ++i;
  }
  return std::string_view::npos;
}

// `members` is what stands between the brackets.
void AppendClass(std::string_view members, std::string& out) {
  out += '[';
  if (members.starts_with('!') || members.starts_with('^')) {
    out += '^';
    members.remove_prefix(1);
  }
  for (size_t i = 0; i < members.size(); ++i) {
    if (members[i] == '-') {
      out += '-';
      continue;
    }
    if (members[i] == '\\' && i + 1 < members.size()) ++i;
    AppendLiteral(members[i], out);
  }
  out += ']';
}

}  // namespace

std::string GlobToRegex(std::string_view glob) {
  std::string out = "(?s)^";
  bool closed = true;  // false: no class closes any more
  for (size_t i = 0; i < glob.size(); ++i) {
    switch (glob[i]) {
      case '*':
        out += ".*";
        break;
      case '?':
        out += '.';
        break;
      case '[': {
        const size_t end = closed ? ClassEnd(glob, i) : std::string_view::npos;
        closed = end != std::string_view::npos;
        if (!closed) {
          AppendLiteral('[', out);
          break;
        }
        AppendClass(glob.substr(i + 1, end - i - 2), out);
        i = end - 1;
        break;
      }
      case '\\':
        if (i + 1 < glob.size()) ++i;
        [[fallthrough]];
      default:
        AppendLiteral(glob[i], out);
    }
  }
  out += '$';
  return out;
}

}  // namespace gate::rules
