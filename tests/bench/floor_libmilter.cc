// floor_libmilter, floor_threads: the least that a filter on libmilter can
// cost. Every callback answers "continue" and does nothing else.
//
//   floor_libmilter SOCKET [RECORD]
//
// With a record of mta_load (--record): the steps, actions and macros of the
// recorded filter. Without: all steps, the MTA's own macros. floor_threads is
// the same with a thread for each connection (milter/libmilter_threads) in the
// place of libmilter's pool. Says "ready" on stdout when it listens.

#include <libmilter/mfapi.h>
#include <unistd.h>

#include <cstdio>
#include <map>
#include <optional>
#include <string>

#include "tests/bench/reply_record.h"
#include "tests/milter/wire.h"

namespace gate::bench {
namespace {

// Written before libmilter runs, then only read. None: all steps.
std::optional<milter::NegotiationAnswer> wanted;

sfsistat Connect(SMFICTX*, char*, sockaddr*) { return SMFIS_CONTINUE; }
sfsistat Helo(SMFICTX*, char*) { return SMFIS_CONTINUE; }
sfsistat Envelope(SMFICTX*, char**) { return SMFIS_CONTINUE; }
sfsistat Body(SMFICTX*, unsigned char*, size_t) { return SMFIS_CONTINUE; }
sfsistat Plain(SMFICTX*) { return SMFIS_CONTINUE; }

sfsistat Header(SMFICTX*, char*, char*) {
  const bool silent = wanted && (wanted->agreed.steps & SMFIP_NR_HDR) != 0;
  return silent ? SMFIS_NOREPLY : SMFIS_CONTINUE;
}

sfsistat Negotiate(SMFICTX* ctx, unsigned long actions, unsigned long,
                   unsigned long, unsigned long, unsigned long* wanted_actions,
                   unsigned long* wanted_steps, unsigned long*,
                   unsigned long*) {
  *wanted_actions = wanted ? wanted->agreed.actions : actions;
  *wanted_steps = wanted ? wanted->agreed.steps : 0;
  if (!wanted) return SMFIS_CONTINUE;
  for (const auto& [place, names] : wanted->macros) {
    std::string copy = names;
    smfi_setsymlist(ctx, place, copy.data());
  }
  return SMFIS_CONTINUE;
}

bool ReadWanted(const std::string& path) {
  const absl::StatusOr<ReplyRecord> record = ReplyRecord::Read(path);
  if (record.ok() && record->AnswerTo('O').size() > 5) {
    wanted =
        milter::ReadNegotiation(std::string(record->AnswerTo('O').substr(5)));
  }
  return wanted.has_value();
}

int Serve(const std::string& path) {
  static char name[] = "floor";
  const smfiDesc description = {
      .xxfi_name = name,
      .xxfi_version = SMFI_VERSION,
      .xxfi_flags =
          SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST,
      .xxfi_connect = Connect,
      .xxfi_helo = Helo,
      .xxfi_envfrom = Envelope,
      .xxfi_envrcpt = Envelope,
      .xxfi_header = Header,
      .xxfi_eoh = Plain,
      .xxfi_body = Body,
      .xxfi_eom = Plain,
      .xxfi_abort = Plain,
      .xxfi_close = Plain,
      .xxfi_unknown = nullptr,
      .xxfi_data = Plain,
      .xxfi_negotiate = Negotiate,
  };
  unlink(path.c_str());
  std::string address = "unix:" + path;
  if (smfi_register(description) != MI_SUCCESS ||
      smfi_setconn(address.data()) != MI_SUCCESS ||
      smfi_opensocket(/*rmsocket=*/false) != MI_SUCCESS) {
    std::fputs("floor: libmilter does not serve\n", stderr);
    return 1;
  }
  std::puts("ready");
  std::fflush(stdout);
  return smfi_main() == MI_SUCCESS ? 0 : 1;
}

}  // namespace
}  // namespace gate::bench

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::fputs("usage: floor_libmilter SOCKET [RECORD]\n", stderr);
    return 2;
  }
  if (argc == 3 && !gate::bench::ReadWanted(argv[2])) {
    std::fprintf(stderr, "floor: %s is no record\n", argv[2]);
    return 2;
  }
  return gate::bench::Serve(argv[1]);
}
