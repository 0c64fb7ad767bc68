// BuildList: entries of a list, inline or from a file, to its contents.
#include <algorithm>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "absl/strings/str_format.h"
#include "rules/ascii.h"
#include "rules/compiler.h"
#include "rules/domain_name.h"
#include "rules/ip_address.h"
#include "rules/mail_address.h"
#include "rules/source.h"

namespace gate::rules {
namespace {

using Kind = ast::Literal::Kind;

// What entries of each type look like, for messages.
std::string_view Example(ListType type) {
  switch (type) {
    case ListType::kDomains:
      return "`example.org` or `.example.org`";
    case ListType::kNetworks:
      return "`192.0.2.0/24` or `2001:db8::1`";
    case ListType::kAddresses:
      return "`user@example.org`";
    case ListType::kStrings:
      return "words and quoted strings";
    case ListType::kPatterns:
      return "`/^mx[0-9]/i`";
  }
  return {};
}

// A line of a wrong file may be long.
std::string Shown(std::string_view text) {
  constexpr size_t kMaxShown = 60;
  if (text.size() <= kMaxShown) return std::string(text);
  size_t end = 0;
  while (end < kMaxShown)
    end += std::max(size_t{1}, Utf8CharacterSize(text.substr(end)));
  return std::string(text.substr(0, end)) + "...";
}

bool HasCapital(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](char c) { return c >= 'A' && c <= 'Z'; });
}

class ListBuilder {
 public:
  ListBuilder(ListType type, Diagnostics& diagnostics)
      : type_(type), diagnostics_(diagnostics) {
    if (type != ListType::kPatterns) return;
    patterns_ = std::make_unique<PatternSet>();
    folded_patterns_ = std::make_unique<PatternSet>();
  }

  void Add(const ListEntry& entry) {
    if ((entry.kind == Kind::kRegex) != (type_ == ListType::kPatterns))
      return Refuse(entry);
    switch (type_) {
      case ListType::kDomains:
        return AddDomain(entry);
      case ListType::kNetworks:
        return AddNetwork(entry);
      case ListType::kAddresses:
        return AddAddress(entry);
      case ListType::kStrings:
        return AddString(entry);
      case ListType::kPatterns:
        return AddPattern(entry);
    }
  }

  std::shared_ptr<const ListContents> Finish(
      std::span<const ListEntry> entries);

 private:
  void Refuse(const ListEntry& entry) {
    diagnostics_.Error(
        DiagnosticId::kBadListEntry, entry.range,
        absl::StrFormat("found `%s`, a list of %s takes entries such as %s",
                        Shown(entry.text), ListTypeName(type_),
                        Example(type_)));
  }

  void AddDomain(const ListEntry& entry) {
    const bool below = entry.text.starts_with('.');
    if (!IsDomain(entry.text.substr(below ? 1 : 0))) return Refuse(entry);
    NormalizeDomain(entry.text, scratch_);
    AddText(scratch_, entry);
  }

  void AddNetwork(const ListEntry& entry) {
    bool host_bits = false;
    const auto prefix = IpPrefix::Parse(entry.text, &host_bits);
    if (!prefix) return Refuse(entry);
    if (!host_bits) {
      networks_.push_back(*prefix);
      lines_.push_back(entry.line);
      return;
    }
    diagnostics_
        .Error(DiagnosticId::kHostBitsSet, entry.range,
               absl::StrFormat("`%s` has bits behind its prefix", entry.text))
        .help = absl::StrFormat("the network is `%s`", prefix->ToString());
  }

  // An address without a domain would never be found: facts have one always.
  void AddAddress(const ListEntry& entry) {
    ParseMailAddress(entry.text, address_);
    const bool null_sender = entry.kind == Kind::kMailbox && entry.text.empty();
    const bool full = address_.valid && !address_.domain.empty();
    if (!null_sender && !full) return Refuse(entry);
    AddText(address_.text, entry);
  }

  void AddText(std::string_view text, const ListEntry& entry) {
    texts_.emplace_back(text);
    lines_.push_back(entry.line);
  }

  void AddString(const ListEntry& entry) {
    AddText(entry.text, entry);
    if (!HasCapital(entry.text)) return;
    FoldAscii(folded_texts_.emplace_back(entry.text));
    folded_lines_.push_back(entry.line);
  }

  void AddPattern(const ListEntry& entry) {
    uint32_t index = 0;
    auto fault = patterns_->Add(entry.text, entry.flags, index);
    if (!fault && index == lines_.size()) lines_.push_back(entry.line);
    if (!fault && HasCapital(entry.text)) {
      const std::string flags = std::string(entry.flags) + 'i';
      fault = folded_patterns_->Add(entry.text, flags, index);
      if (!fault && index == folded_lines_.size()) {
        folded_lines_.push_back(entry.line);
      }
    }
    if (!fault) return;
    SourceRange range = entry.range;
    range.begin += static_cast<uint32_t>(1 + fault->offset);
    range.end = range.begin + static_cast<uint32_t>(fault->length);
    if (fault->length == 0) range = entry.range;
    diagnostics_.Error(DiagnosticId::kBadPattern, range, fault->text);
  }

  const ListType type_;
  Diagnostics& diagnostics_;
  std::vector<std::string> texts_;
  std::vector<std::string> folded_texts_;
  std::vector<IpPrefix> networks_;
  // Of texts_, networks_ or patterns_, and of the folded ones.
  std::vector<uint32_t> lines_;
  std::vector<uint32_t> folded_lines_;
  std::unique_ptr<PatternSet> patterns_;
  std::unique_ptr<PatternSet> folded_patterns_;
  MailAddress address_;
  std::string scratch_;
};

std::shared_ptr<const ListContents> ListBuilder::Finish(
    std::span<const ListEntry> entries) {
  auto contents = std::make_shared<ListContents>();
  contents->type = type_;
  contents->size = entries.size();
  if (type_ == ListType::kDomains) {
    contents->domains = DomainSet(texts_, lines_);
  } else if (type_ == ListType::kNetworks) {
    contents->networks = NetworkSet(networks_, lines_);
  } else if (type_ != ListType::kPatterns) {
    contents->strings = StringSet(texts_, lines_);
    contents->folded_strings = StringSet(folded_texts_, folded_lines_);
  }
  if (type_ != ListType::kPatterns) return contents;
  std::string fault = patterns_->Compile();
  if (fault.empty()) fault = folded_patterns_->Compile();
  if (!fault.empty()) {
    diagnostics_.Error(
        DiagnosticId::kPolicyTooLarge, entries[0].range,
        absl::StrFormat("the patterns of this list do not fit: %s", fault));
    return nullptr;
  }
  contents->pattern_lines = std::move(lines_);
  contents->folded_pattern_lines = std::move(folded_lines_);
  contents->patterns = std::move(patterns_);
  contents->folded_patterns = std::move(folded_patterns_);
  return contents;
}

}  // namespace

std::shared_ptr<const ListContents> BuildList(
    ListType type, std::span<const ListEntry> entries,
    Diagnostics& diagnostics) {
  const size_t faults_before = diagnostics.error_count();
  ListBuilder builder(type, diagnostics);
  for (const ListEntry& entry : entries) {
    builder.Add(entry);
    if (diagnostics.full()) return nullptr;
  }
  if (diagnostics.error_count() > faults_before) return nullptr;
  return builder.Finish(entries);
}

}  // namespace gate::rules
