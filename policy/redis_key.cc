#include "policy/redis_key.h"

#include <openssl/sha.h>

#include <array>

namespace gate::policy {
namespace {

void AppendSubject(std::string_view subject, std::string& out) {
  if (subject.size() <= kMaxSubject) {
    out.append(subject);
    return;
  }
  constexpr size_t kHashBytes = 16;
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, SHA256_DIGEST_LENGTH> hash;
  SHA256(reinterpret_cast<const unsigned char*>(subject.data()), subject.size(),
         hash.data());
  // One byte longer than any subject that is kept as it is: no client can
  // write a subject that looks like another's hash.
  out.append(subject.substr(0, kMaxSubject - 2 * kHashBytes));
  out.push_back('~');
  for (size_t i = 0; i < kHashBytes; ++i) {
    out.push_back(kDigits[hash[i] >> 4]);
    out.push_back(kDigits[hash[i] & 15]);
  }
}

}  // namespace

void RenderLimitKey(std::string_view name, std::string_view subject,
                    std::string& out) {
  out.assign("gate:");
  out.append(name);
  out.push_back(':');
  AppendSubject(subject, out);
}

void RenderBanKey(std::string_view name, std::string_view subject,
                  std::string& out) {
  out.assign("gate:banned(");
  out.append(name);
  out.append("):");
  AppendSubject(subject, out);
}

}  // namespace gate::policy
