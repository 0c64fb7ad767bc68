#include "tests/bench/mta_macros.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "tests/milter/wire.h"

namespace gate::bench {
namespace {

struct Place {
  char command;
  int place;  // SMFIM_*
  std::string_view own;
};
constexpr std::array<Place, 9> kPlaces = {{
    {'C', 0, "j {daemon_name} {daemon_addr} v _"},
    {'H', 1,
     "{tls_version} {cipher} {cipher_bits} {cert_subject} {cert_issuer}"},
    {'M', 2,
     "i {auth_type} {auth_authen} {auth_author} {mail_addr} {mail_host} "
     "{mail_mailer}"},
    {'R', 3, "i {rcpt_addr} {rcpt_host} {rcpt_mailer}"},
    {'T', 4, "i"},
    {'L', 6, "i"},
    {'N', 6, "i"},
    {'B', 5, "i"},
    {'E', 5, "i"},
}};

std::string_view DomainOf(std::string_view address) {
  const size_t at = address.rfind('@');
  return at == std::string_view::npos ? "" : address.substr(at + 1);
}

}  // namespace

void MtaMacros::Take(char command, const std::vector<std::string>& arguments) {
  switch (command) {
    case 'C': {
      const std::string& host = arguments[0];
      const std::string address = arguments.size() > 1 ? arguments[1] : "";
      values_["_"] = absl::StrCat(host, " [", address, "]");
      values_["{client_name}"] = values_["{client_ptr}"] = host;
      values_["{client_addr}"] = address;
      values_["{client_port}"] = "40125";
      values_["{client_resolve}"] = "OK";
      break;
    }
    case 'M':
      TakeAddress("mail", arguments[0]);
      values_["{mail_mailer}"] = "smtp";
      break;
    case 'R':
      TakeAddress("rcpt", arguments[0]);
      values_["{rcpt_mailer}"] = "local";
      break;
    case 'T':
      values_["i"] = "4XyZ1k2Zl3z9rQw";
      break;
    case 'E':  // for the next message
      values_.erase("i");
      break;
    default:
      break;
  }
}

void MtaMacros::TakeAddress(const std::string& kind, const std::string& path) {
  std::string address = path;
  std::erase_if(address, [](char c) { return c == '<' || c == '>'; });
  values_["{" + kind + "_addr}"] = address;
  values_["{" + kind + "_host}"] = DomainOf(address);
}

std::string MtaMacros::Packet(char command, const List& given,
                              const std::map<int, std::string>& asked) const {
  const Place& place = *std::ranges::find(kPlaces, command, &Place::command);
  const auto list = asked.find(place.place);
  std::string names(place.own);
  if (list != asked.end() && !list->second.empty()) names = list->second;
  std::string data(1, command);
  for (const std::string& name : std::vector<std::string>(
           absl::StrSplit(names, ' ', absl::SkipEmpty()))) {
    const auto own = values_.find(name);
    const auto first = std::ranges::find(given, name, &List::value_type::first);
    if (first == given.end() && own == values_.end()) continue;
    milter::AppendText(name, data);
    milter::AppendText(first == given.end() ? own->second : first->second,
                       data);
  }
  return data;
}

}  // namespace gate::bench
