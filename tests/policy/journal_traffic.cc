#include "tests/policy/journal_traffic.h"

#include "absl/strings/str_format.h"

namespace gate::policy {
namespace {

constexpr int64_t kDayUs = int64_t{24} * 3600 * 1'000'000;
constexpr std::string_view kSyllables[] = {
    "ka", "ro",  "mi", "tel", "na",  "sor", "vi", "len", "da",  "ber", "o",
    "ti", "mar", "co", "ze",  "lin", "pa",  "ur", "gen", "sta", "fe",  "don"};

}  // namespace

JournalTraffic::JournalTraffic(uint64_t seed, int64_t records)
    : step_us_(kDayUs / records), random_(seed) {
  const auto policy = PolicyOf(kPolicy, {});
  description_ = Describe(*policy);
  engine_.Install(policy);
  mta_.Open();
}

std::string JournalTraffic::Name() {
  std::string name;
  for (uint64_t i = 0; i < 2 + Draw(3); ++i) {
    name += kSyllables[Draw(std::size(kSyllables))];
  }
  if (Draw(2) == 0) name += std::to_string(Draw(1000));
  return name;
}

std::string JournalTraffic::Domain() {
  constexpr std::string_view kTops[] = {".example", ".example.com",
                                        ".example.net"};
  return Name() + std::string(kTops[Draw(std::size(kTops))]);
}

std::string JournalTraffic::Client() {
  if (Draw(10) == 0) {
    return absl::StrFormat("2001:db8:%x:%x::%x", Draw(65536), Draw(65536),
                           Draw(65536));
  }
  return absl::StrFormat("%d.%d.%d.%d", 20 + Draw(200), Draw(256), Draw(256),
                         1 + Draw(254));
}

void JournalTraffic::Decided(const Decision& decision) noexcept {
  if (decision.plain()) return;
  std::array<char, kMaxRecordBytes> memory;
  record_ = WriteDecision(decision, memory);
  reference_ = decision.verdict.reference;
}

void JournalTraffic::Play(absl::FunctionRef<void(const Refusal&)> visit) {
  const std::string client = Client();
  const std::string domain = Domain();
  const std::string host = "mail" + std::to_string(Draw(30)) + '.' + domain;
  auto& macros = mta_.macros.values;
  macros["{client_ptr}"] = host;
  macros["{client_resolve}"] = Draw(3) == 0 ? "FAIL" : "OK";
  macros["{client_name}"] = host;
  std::string queue_id(10, '4');
  for (char& c : queue_id) c = "0123456789BCDFGHJKLMNPQRSTVWXYZbcdf"[Draw(35)];
  macros["i"] = queue_id;
  const std::string sender = Draw(20) == 0 ? "" : Name() + '@' + domain;
  macros["{mail_addr}"] = sender;
  const bool at_data = Draw(5) == 0;
  const std::string rcpt =
      Name() + '@' + (at_data ? "mx.example.org" : Domain());
  macros["{rcpt_addr}"] = rcpt;
  mta_.Connect(client, host, static_cast<uint16_t>(1024 + Draw(60'000)));
  mta_.Helo(at_data ? Name() : host);
  mta_.Mail('<' + sender + '>', {"SIZE=12345"});
  const auto told = [&](std::string_view id) {
    if (record_.empty()) return;
    visit({.reference = reference_,
           .client = client,
           .queue_id = id,
           .record = record_});
    record_.clear();
    clock_.Advance(step_us_);
  };
  mta_.Rcpt('<' + rcpt + '>');
  told("");
  if (at_data) mta_.Data();
  told(queue_id);
  mta_.Close();
}

}  // namespace gate::policy
