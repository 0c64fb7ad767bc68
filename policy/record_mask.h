// `set journal-privacy on`: records without the local parts of addresses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace gate::policy {

// The record with a * in place of what stands before an @ in any of its texts,
// of addresses that have no domain, and of the local parts of its addresses
// where they stand alone in a reply, a note or the key of a limit. Empty: it is
// no record, and nothing of it may be kept.
std::optional<std::string> MaskRecord(std::string_view record);

// `a@b.example, "c d"@e.example` to `*@b.example, *@e.example`.
std::string MaskLocalParts(std::string_view text);

}  // namespace gate::policy
