#include "policy/redis_script.h"

#include <openssl/sha.h>

#include <array>
#include <charconv>

#include "policy/redis_command.h"
#include "policy/redis_key.h"
#include "rules/policy.h"

namespace gate::policy {
namespace {

// KEYS: one an operation. ARGV, one after the other for each key:
//   C|P|G|F units windows (amount period_us burst)...
//   B                     is it banned?
//   X milliseconds        ban it
//   T                     try all that the others do: the probe
// C(harge), P(eek), B answer four integers: state, used, allowed, retry_us.
// G(ive back), F(orce) and X answer nothing. A state is
//   time_us period_us:level ...
// `#!lua` makes Redis check memory and its role before the first line, not
// in the middle.
constexpr std::string_view kText = R"lua(#!lua
local FITS, OVER, UNAVAILABLE = 0, 1, 2
local EPSILON, MAX_BURSTS = 1e-6, 2
local MAX_TTL_MS, MAX_US = 315360000000, 315360000000000
local ceil, max, min = math.ceil, math.max, math.min
local format, gmatch = string.format, string.gmatch

local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local argument, reply = 0, {}

local function take()
  argument = argument + 1
  return ARGV[argument]
end

local function answer(state, used, allowed, retry)
  local n = #reply
  reply[n + 1], reply[n + 2] = state, used
  reply[n + 3], reply[n + 4] = allowed, retry
end

-- The windows of ARGV with the levels of the key, drained until now; what
-- the key holds of a window that is new is the fullest of the others.
local function read(key)
  local windows, known, fullest = {}, {}, 0
  local state = redis.pcall('GET', key)
  local time = now
  -- Somebody else's key concerns this look-up only, everything else all.
  if type(state) == 'table' and not string.find(state.err, '^WRONGTYPE') then
    error(state)
  end
  if type(state) == 'string' then
    time = tonumber(string.match(state, '^%d+')) or now
    for period, level in gmatch(state, '(%d+):(%S+)') do
      level = tonumber(level) or 0
      known[period] = level
      fullest = max(fullest, level)
    end
  end
  local elapsed = max(0, now - time)
  for i = 1, tonumber(take()) do
    local amount, period = tonumber(take()), take()
    local burst = tonumber(take())
    local us = tonumber(period)
    local level = min(known[period] or fullest, MAX_BURSTS * burst)
    windows[i] = {amount = amount, period = period, us = us, burst = burst,
                  level = max(0, level - elapsed * amount / us)}
  end
  windows.time = max(time, now)
  windows.late = max(0, time - now)
  windows.known = state ~= false
  windows.broken = type(state) == 'table'
  return windows
end

local function drain_us(window, units)
  return min(ceil(units * window.us / window.amount), MAX_US)
end

local function judge(windows, units)
  local state, used, allowed, retry, fullest = FITS, 0, 0, 0, -1
  for _, w in ipairs(windows) do
    local wait = 0
    if w.level + units > w.burst + EPSILON then
      wait = windows.late
        + max(1, drain_us(w, w.level - max(0, w.burst - units)))
    end
    local share = w.level / w.burst
    if wait > 0 and wait > retry
      or wait == 0 and retry == 0 and share > fullest then
      fullest, retry = share, wait
      state = wait > 0 and OVER or FITS
      used, allowed = ceil(max(0, w.level - EPSILON)), w.burst
    end
  end
  return state, used, allowed, retry
end

local function add(key, windows, units)
  local parts, ttl = {format('%.0f', windows.time)}, 0
  for i, w in ipairs(windows) do
    w.level = max(0, min(w.level + units, MAX_BURSTS * w.burst))
    parts[i + 1] = w.period .. ':' .. format('%.17g', w.level)
    if w.level > 0 then ttl = max(ttl, windows.late + drain_us(w, w.level)) end
  end
  if ttl == 0 then
    redis.call('DEL', key)
    return
  end
  ttl = min(ceil(ttl / 1000) + 1, MAX_TTL_MS)
  redis.call('SET', key, table.concat(parts, ' '), 'PX', format('%.0f', ttl))
end

local operations = {}

function operations.C(key)
  local units = tonumber(take())
  local windows = read(key)
  if windows.broken then return answer(UNAVAILABLE, 0, 0, 0) end
  local state, used, allowed, retry = judge(windows, units)
  if state == FITS then
    if units > 0 then add(key, windows, units) end
    state, used, allowed, retry = judge(windows, 0)
  elseif windows.known then
    add(key, windows, 0)  -- a rate made smaller: the key must live longer
  end
  answer(state, used, allowed, retry)
end

function operations.P(key)
  local units = tonumber(take())
  local windows = read(key)
  if windows.broken then return answer(UNAVAILABLE, 0, 0, 0) end
  answer(judge(windows, units))
end

function operations.G(key)
  local units = tonumber(take())
  local windows = read(key)
  if windows.known and not windows.broken then add(key, windows, -units) end
end

function operations.F(key)
  local units = tonumber(take())
  local windows = read(key)
  if not windows.broken then add(key, windows, units) end
end

function operations.B(key)
  local ttl = redis.call('PTTL', key)
  if ttl == -2 then
    answer(FITS, 0, 0, 0)
  else
    answer(OVER, 0, 0, ttl < 0 and 0 or max(1, ttl) * 1000)
  end
end

function operations.X(key)
  local ms = tonumber(take())
  local ttl = redis.call('PTTL', key)
  if ttl == -2 or ttl >= 0 and ttl < ms then
    redis.call('SET', key, '1', 'PX', format('%.0f', min(ms, MAX_TTL_MS)))
  end
end

function operations.T(key)
  redis.call('GET', key)
  redis.call('SET', key, '1', 'PX', '1')
  redis.call('PTTL', key)
  redis.call('DEL', key)
end

for _, key in ipairs(KEYS) do operations[take()](key) end
return reply
)lua";

constexpr size_t kIntegersPerAnswer = 4;

std::string HashOfText() {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::array<unsigned char, SHA_DIGEST_LENGTH> hash;
  SHA1(reinterpret_cast<const unsigned char*>(kText.data()), kText.size(),
       hash.data());
  std::string text;
  for (const unsigned char byte : hash) {
    text.push_back(kDigits[byte >> 4]);
    text.push_back(kDigits[byte & 15]);
  }
  return text;
}

// EVALSHA hash keys, or EVAL text keys; the rest follows. Its own arguments
// are three.
RedisCommand BeginCall(ScriptName name, size_t keys, size_t arguments,
                       std::string& out) {
  static const std::string* const hash = new std::string(HashOfText());
  RedisCommand command(out, 3 + keys + arguments);
  command.Add(name == ScriptName::kHash ? "EVALSHA" : "EVAL");
  command.Add(name == ScriptName::kHash ? std::string_view(*hash) : kText);
  command.Add(keys);
  return command;
}

size_t LimitArguments(const rules::Limit& limit) {
  return 3 + 3 * limit.windows.size();
}

void AddLimit(RedisCommand& command, std::string_view operation,
              const rules::Limit& limit, uint64_t units) {
  command.Add(operation);
  command.Add(units);
  command.Add(limit.windows.size());
  for (const rules::Window& window : limit.windows) {
    command.Add(window.amount);
    command.Add(static_cast<uint64_t>(window.period_us));
    command.Add(window.burst);
  }
}

// The key's memory is the thread's: a call allocates nothing after warm-up.
std::string& KeyBuffer() {
  thread_local std::string buffer;
  return buffer;
}

}  // namespace

void AppendAsk(ScriptName name, const Batch& batch, std::string& out) {
  size_t arguments = 0;
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool ban = batch[i].kind == Lookup::Kind::kBanned;
    arguments += ban ? 1 : LimitArguments(*batch[i].limit);
  }
  RedisCommand command = BeginCall(name, batch.size(), arguments, out);
  std::string& key = KeyBuffer();
  for (size_t i = 0; i < batch.size(); ++i) {
    const bool ban = batch[i].kind == Lookup::Kind::kBanned;
    (ban ? RenderBanKey : RenderLimitKey)(batch[i].name, batch[i].subject, key);
    command.Add(key);
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const Lookup& lookup = batch[i];
    if (lookup.kind == Lookup::Kind::kBanned) {
      command.Add("B");
    } else {
      AddLimit(command, lookup.kind == Lookup::Kind::kCharge ? "C" : "P",
               *lookup.limit, lookup.units);
    }
  }
}

bool AppendPost(ScriptName name, const Effects& effects, std::string& out) {
  size_t keys = 0;
  size_t arguments = 0;
  for (size_t i = 0; i < effects.size(); ++i) {
    if (effects[i].local) continue;
    ++keys;
    const bool ban = effects[i].kind == Effect::Kind::kBan;
    arguments += ban ? 2 : LimitArguments(*effects[i].limit);
  }
  if (keys == 0) return false;
  RedisCommand command = BeginCall(name, keys, arguments, out);
  std::string& key = KeyBuffer();
  for (size_t i = 0; i < effects.size(); ++i) {
    if (effects[i].local) continue;
    const bool ban = effects[i].kind == Effect::Kind::kBan;
    (ban ? RenderBanKey : RenderLimitKey)(effects[i].name, effects[i].subject,
                                          key);
    command.Add(key);
  }
  for (size_t i = 0; i < effects.size(); ++i) {
    const Effect& effect = effects[i];
    if (effect.local) continue;
    if (effect.kind == Effect::Kind::kBan) {
      command.Add("X");
      command.Add(static_cast<uint64_t>(effect.ban_us + 999) / 1000);
    } else {
      AddLimit(command, effect.kind == Effect::Kind::kGiveBack ? "G" : "F",
               *effect.limit, effect.units);
    }
  }
  return true;
}

void AppendWithText(std::string_view call, std::string& out) {
  // "*N", "$7", "EVALSHA", "$40", the hash, and what stays.
  const size_t count_end = call.find("\r\n");
  size_t rest = count_end;
  for (int line = 0; line < 5; ++line) rest = call.find("\r\n", rest) + 2;
  const std::string_view count = call.substr(1, count_end - 1);
  size_t arguments = 0;
  std::from_chars(count.data(), count.data() + count.size(), arguments);
  RedisCommand command(out, arguments);
  command.Add("EVAL");
  command.Add(kText);
  out.append(call.substr(rest));
}

void AppendProbe(std::string& out) {
  RedisCommand command = BeginCall(ScriptName::kText, 1, 1, out);
  command.Add(kProbeKey);
  command.Add("T");
}

bool TakeAnswers(const RedisReply& reply, Batch& batch) {
  constexpr std::array kStates = {AnswerState::kFits, AnswerState::kOver,
                                  AnswerState::kUnavailable};
  const std::vector<int64_t>& numbers = reply.integers;
  if (reply.kind != RedisReply::Kind::kIntegers ||
      numbers.size() != batch.size() * kIntegersPerAnswer) {
    return false;
  }
  for (size_t i = 0; i < numbers.size(); ++i) {
    const auto most = static_cast<int64_t>(kStates.size()) - 1;
    const bool state = i % kIntegersPerAnswer == 0;
    if (numbers[i] < 0 || (state && numbers[i] > most)) return false;
  }
  for (size_t i = 0; i < batch.size(); ++i) {
    const int64_t* answer = &numbers[i * kIntegersPerAnswer];
    batch[i].answer = {.state = kStates[static_cast<size_t>(answer[0])],
                       .used = static_cast<uint64_t>(answer[1]),
                       .allowed = static_cast<uint64_t>(answer[2]),
                       .retry_after_us = answer[3]};
  }
  return true;
}

}  // namespace gate::policy
