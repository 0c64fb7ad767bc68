#include "policy/decision_writer.h"

#include <algorithm>

#include "policy/session.h"
#include "policy/wire_writer.h"

namespace gate::policy {
namespace {

using rules::FactId;
using rules::FactInfo;
using rules::HeaderId;
using rules::ValueKind;

// The numbers of proto/decision.proto.
enum DecisionField : uint32_t {
  kWallUs = 1,
  kReference,
  kPolicy,
  kStage,
  kAction,
  kRule,
  kCode,
  kEnhanced,
  kText,
  kFlags,
  kFacts,
  kAnswers,
  kNotes,
  kTests,
};
enum FactField : uint32_t {
  kId = 1,
  kFactText,
  kNumber,
  kAddress,
  kHeader,
  kUnknown,
};
enum AnswerField : uint32_t {
  kLimit = 1,
  kBanKey,
  kSubject,
  kState,
  kLocal,
  kUnits,
  kUsed,
  kAllowed,
  kRetryAfterUs,
};
enum NoteField : uint32_t { kNoteRule = 1, kNoteText };
enum Flag : uint32_t { kKept = 1, kRepeat = 2, kNotGiven = 4, kCut = 8 };

constexpr size_t kFlagsRoom = 32;
constexpr size_t kMaxInstances = 8;  // of one header
constexpr size_t kMaxAnswers = 64;
constexpr size_t kMaxNotes = 64;

// Follows from another fact, or is never kept.
bool LeftOut(FactId id) {
  switch (id) {
    case FactId::kClientNetwork:
    case FactId::kSenderLocal:
    case FactId::kSenderDomain:
    case FactId::kRcptLocal:
    case FactId::kRcptDomain:
    case FactId::kHeader:
    case FactId::kHeaderCount:
    case FactId::kBody:
    case FactId::kTimeHour:
    case FactId::kTimeWeekday:
      return true;
    default:
      return false;
  }
}

// At most `size` bytes, not ending within a character; text that is no UTF-8
// has no characters. Requires: it is longer.
std::string_view Cut(std::string_view text, size_t size) {
  constexpr size_t kMaxContinuation = 3;
  for (size_t end = size; end + kMaxContinuation >= size && end > 0; --end) {
    const bool within = (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80;
    if (!within) return text.substr(0, end);
  }
  return text.substr(0, size);
}

// `raw` is <ADDRESS>.
bool IsBracketed(std::string_view raw, std::string_view address) {
  return raw.size() == address.size() + 2 && raw.front() == '<' &&
         raw.back() == '>' && raw.substr(1, address.size()) == address;
}

class Writer {
 public:
  Writer(const EventLog::Decision& decision, std::span<char> memory)
      : decision_(decision),
        session_(decision.session),
        facts_(session_.facts()),
        memory_(memory),
        out_(memory.first(memory.size() - kFlagsRoom)) {}

  std::string_view Write();

 private:
  void WriteVerdict();
  void WriteTests();
  void WriteNotes();
  void WriteAnswers();
  void WriteAnswer(const Lookup& lookup);
  void WriteNumbers(const Answer& answer);
  void WriteFacts();
  void WriteFact(const FactInfo& info);
  bool IsRecordedPath(FactId raw, FactId address) const;
  void WriteHeaders();
  // Cut at a character.
  void WriteText(uint32_t field, std::string_view text);
  static uint64_t Flags(const EventLog::Decision& decision);

  const EventLog::Decision& decision_;
  const Session& session_;
  const rules::FactSet& facts_;
  const std::span<char> memory_;
  WireWriter out_;
  bool cut_ = false;
};

std::string_view Writer::Write() {
  // By how much it is missed where a record is full: who it was, first.
  WriteVerdict();
  WriteFacts();
  WriteTests();
  WriteAnswers();
  WriteNotes();
  WriteHeaders();
  // Known only now.
  const size_t size = out_.written().size();
  WireWriter last(memory_.subspan(size));
  last.Number(kFlags, Flags(decision_) | (cut_ || out_.full() ? kCut : 0U));
  return {memory_.data(), size + last.written().size()};
}

void Writer::WriteVerdict() {
  const Verdict& verdict = decision_.verdict;
  out_.Number(kWallUs, static_cast<uint64_t>(session_.now().wall_us));
  out_.Number(kReference, verdict.reference);
  out_.Fixed64(kPolicy, session_.policy_number());
  out_.Number(kStage, 1 + static_cast<uint64_t>(verdict.stage));
  out_.Number(kAction, 1 + static_cast<uint64_t>(verdict.action));
  if (verdict.rule) out_.Number(kRule, 1 + verdict.rule->id.value);
  out_.Number(kCode, verdict.code);
  if (!verdict.enhanced.empty()) out_.Bytes(kEnhanced, verdict.enhanced);
  if (!verdict.text.empty()) WriteText(kText, verdict.text);
}

uint64_t Writer::Flags(const EventLog::Decision& decision) {
  return (decision.verdict.kept ? kKept : 0U) |
         (decision.verdict.repeat ? kRepeat : 0U) |
         (decision.given ? 0U : kNotGiven);
}

void Writer::WriteTests() {
  for (const rules::Weighed& test : session_.weighed()) {
    // Also 0, which is no field: false, and no entry.
    out_.Element(kTests, uint64_t{4} * test.entry_line +
                             static_cast<uint64_t>(test.truth));
  }
}

void Writer::WriteNotes() {
  const std::span<const Note> notes = session_.notes();
  if (notes.size() > kMaxNotes) cut_ = true;
  for (const Note& note : notes.first(std::min(notes.size(), kMaxNotes))) {
    out_.Message(kNotes, [&] {
      out_.Number(kNoteRule, 1 + note.rule->id.value);
      if (!note.text.empty()) WriteText(kNoteText, note.text);
    });
  }
}

void Writer::WriteAnswers() {
  const Batch& batch = session_.batch();
  if (batch.size() > kMaxAnswers) cut_ = true;
  for (size_t i = 0; i < std::min(batch.size(), kMaxAnswers); ++i) {
    out_.Message(kAnswers, [&] { WriteAnswer(batch[i]); });
  }
  if (!decision_.verdict.rule) return;
  for (const rules::LimitId id : decision_.verdict.rule->over) {
    const Answer* answer = session_.EarlierAnswer(id);
    if (answer == nullptr) continue;
    out_.Message(kAnswers, [&] {
      out_.Number(kLimit, 1 + id.value);
      WriteNumbers(*answer);
    });
  }
}

void Writer::WriteAnswer(const Lookup& lookup) {
  if (lookup.kind == Lookup::Kind::kBanned) {
    out_.Number(kBanKey, 1 + lookup.ban_key.value);
  } else {
    out_.Number(kLimit, 1 + lookup.limit->id.value);
  }
  WriteText(kSubject, lookup.subject);
  if (lookup.units != 1) out_.Number(kUnits, lookup.units);
  WriteNumbers(lookup.answer);
}

void Writer::WriteNumbers(const Answer& answer) {
  out_.Number(kState, static_cast<uint64_t>(answer.state));
  out_.Number(kLocal, answer.local ? 1 : 0);
  out_.Number(kUsed, answer.used);
  out_.Number(kAllowed, answer.allowed);
  out_.Number(kRetryAfterUs, static_cast<uint64_t>(
                                 std::max<int64_t>(0, answer.retry_after_us)));
}

void Writer::WriteFacts() {
  for (const FactInfo& info : rules::AllFacts()) {
    if (facts_.presence(info.id) == rules::Presence::kAbsent ||
        LeftOut(info.id) || IsRecordedPath(info.id, FactId::kSender) ||
        IsRecordedPath(info.id, FactId::kRcpt)) {
      continue;
    }
    out_.Message(kFacts, [&] { WriteFact(info); });
  }
}

// Whether `id` is how `address` was typed, and says no more than it.
bool Writer::IsRecordedPath(FactId id, FactId address) const {
  const FactId raw =
      address == FactId::kSender ? FactId::kSenderRaw : FactId::kRcptRaw;
  return id == raw && facts_.present(raw) && facts_.present(address) &&
         IsBracketed(facts_.text(raw), facts_.text(address));
}

void Writer::WriteFact(const FactInfo& info) {
  out_.Number(kId, 1 + static_cast<uint64_t>(info.id));
  if (!facts_.present(info.id)) return out_.Number(kUnknown, 1);
  switch (rules::KindOf(info.type)) {
    case ValueKind::kText:
      return WriteText(kFactText, facts_.text(info.id));
    case ValueKind::kPrefix: {
      const rules::IpAddress& address = facts_.address(info.id);
      const auto* bytes = reinterpret_cast<const char*>(address.bytes().data());
      return out_.Bytes(kAddress, address.is_v4()
                                      ? std::string_view(bytes + 12, 4)
                                      : std::string_view(bytes, 16));
    }
    case ValueKind::kNumber:
      return out_.Signed(kNumber, facts_.number(info.id));
    case ValueKind::kNone:
      return;
  }
}

void Writer::WriteHeaders() {
  if (!facts_.present(FactId::kHeader)) return;
  const auto names =
      static_cast<uint32_t>(session_.policy().header_names().size());
  for (uint32_t name = 0; name < names; ++name) {
    const size_t count = facts_.header_count(HeaderId{name});
    if (count > kMaxInstances) cut_ = true;
    for (size_t i = 0; i < std::min(count, kMaxInstances); ++i) {
      out_.Message(kFacts, [&] {
        out_.Number(kId, 1 + static_cast<uint64_t>(FactId::kHeader));
        out_.Number(kHeader, 1 + name);
        WriteText(kFactText, facts_.header(HeaderId{name}, i));
      });
    }
  }
}

void Writer::WriteText(uint32_t field, std::string_view text) {
  if (text.size() > kMaxRecordedText) {
    cut_ = true;
    text = Cut(text, kMaxRecordedText);
  }
  out_.Bytes(field, text);
}

}  // namespace

std::string_view WriteDecision(const EventLog::Decision& decision,
                               std::span<char, kMaxRecordBytes> memory) {
  return Writer(decision, memory).Write();
}

}  // namespace gate::policy
