// The content of one message as facts: headers, From, size and the beginning
// of the body.
//
// Order of calls: Begin, AddHeader for each field, AddBody for each chunk,
// End, Forget. Memory is kept from message to message.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "rules/fact_set.h"

namespace gate::policy {

// Confined to one connection.
class MessageContent {
 public:
  explicit MessageContent(rules::FactSet& facts) : facts_(facts) {}

  // Requires: the facts of the last message's content are cleared. From then
  // on from.count is known: 0.
  void Begin();
  // Nothing of the message is left: also a content that comes without Begin,
  // of an MTA that leaves out MAIL, begins anew. Gives back what a large
  // message took; small ones keep their memory.
  void Forget();
  // A field as the MTA hands it over (folded, encoded). `id`: its index when
  // the policy reads headers of this name (Policy::FindHeader).
  void AddHeader(std::string_view name, std::string_view value,
                 std::optional<rules::HeaderId> id);
  // Keeps the first `limit` bytes of the body (Settings::body_limit); true
  // while there is room for more. message.size wants every chunk.
  bool AddBody(std::string_view chunk, size_t limit);
  // message.size and body.
  void End();

 private:
  // from, from.domain, from.count: the first address of all From fields.
  void AddFrom(std::string_view value);

  rules::FactSet& facts_;
  std::string body_;   // as it came, up to the limit
  uint64_t size_ = 0;  // bytes on the wire so far
  size_t from_count_ = 0;
};

}  // namespace gate::policy
