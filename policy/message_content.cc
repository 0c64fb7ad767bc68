#include "policy/message_content.h"

#include "policy/from_field.h"
#include "policy/header_text.h"
#include "rules/ascii.h"
#include "rules/domain_name.h"
#include "rules/mail_address.h"

namespace gate::policy {
namespace {

using rules::FactId;

// Bytes of `value` on the wire: MTAs hand folded lines over with a lone LF.
size_t WireSize(std::string_view value) {
  size_t size = value.size();
  for (size_t i = value.find('\n'); i != std::string_view::npos;
       i = value.find('\n', i + 1)) {
    if (i == 0 || value[i - 1] != '\r') ++size;
  }
  return size;
}

// Memory for a moment: a connection may be idle for hours.
std::string& ScratchOfThread() {
  thread_local std::string scratch;
  return scratch;
}

constexpr std::string_view kColon = ": ";
constexpr std::string_view kLineEnd = "\r\n";

}  // namespace

void MessageContent::Begin() { facts_.SetNumber(FactId::kFromCount, 0); }

void MessageContent::Forget() {
  body_.clear();
  size_ = 0;
  from_count_ = 0;
  for (std::string* text : {&body_, &ScratchOfThread()}) {
    if (text->capacity() > rules::FactSet::kKeptBytes) {
      std::string().swap(*text);
    }
  }
}

void MessageContent::AddHeader(std::string_view name, std::string_view value,
                               std::optional<rules::HeaderId> id) {
  size_ += name.size() + kColon.size() + WireSize(value) + kLineEnd.size();
  if (rules::EqualFolded(name, "From")) AddFrom(value);
  if (!id) return;
  std::string& decoded = ScratchOfThread();
  DecodeHeader(value, decoded);
  facts_.AddHeader(*id, decoded);
}

void MessageContent::AddFrom(std::string_view value) {
  thread_local rules::MailAddress address;  // scratch: keeps its memory
  std::string& clean = ScratchOfThread();
  rules::MakeValidUtf8(value, clean);
  const size_t found = ParseFrom(clean, address);
  if (found > 0 && from_count_ == 0) {
    facts_.SetText(FactId::kFrom, address.text);
    if (!address.domain.empty()) {
      facts_.SetText(FactId::kFromDomain, address.domain);
    }
  }
  from_count_ += found;
  facts_.SetNumber(FactId::kFromCount, static_cast<int64_t>(from_count_));
}

bool MessageContent::AddBody(std::string_view chunk, size_t limit) {
  size_ += chunk.size();
  if (body_.size() < limit) body_ += chunk.substr(0, limit - body_.size());
  return body_.size() < limit;
}

void MessageContent::End() {
  size_ += kLineEnd.size();  // between headers and body
  facts_.SetNumber(FactId::kMessageSize, static_cast<int64_t>(size_));
  std::string& clean = ScratchOfThread();
  rules::MakeValidUtf8(body_, clean);
  facts_.SetText(FactId::kBody, clean);
}

}  // namespace gate::policy
