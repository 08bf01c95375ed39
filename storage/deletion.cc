// SPDX-License-Identifier: Apache-2.0
#include "storage/deletion.h"

namespace cordwood {

/// Each is one length-prefixed string, so that a later minor version can add fields at its end.
void DeleteRequest::encode(std::string* out) const {
  std::string fields;
  ByteWriter w(&fields);
  w.string(id);
  w.string(tenant);
  w.string(query);
  w.i64(start_ns);
  w.i64(end_ns);
  w.i64(created_ns);
  w.varint(arrival_cut);
  w.varint(generation);
  w.u8(static_cast<uint8_t>(state));
  w.i64(processed_ns);
  if (begun) w.u8(1);
  ByteWriter(out).string(fields);
}

Result<DeleteRequest> DeleteRequest::decode(ByteReader* in) {
  ByteReader fields(in->string());
  DeleteRequest request;
  request.id = fields.string();
  request.tenant = fields.string();
  request.query = fields.string();
  request.start_ns = fields.i64();
  request.end_ns = fields.i64();
  request.created_ns = fields.i64();
  request.arrival_cut = fields.varint();
  request.generation = fields.varint();
  const uint8_t state = fields.u8();
  request.processed_ns = fields.i64();
  request.begun = fields.remaining() > 0 && fields.u8() == 1;
  TRY(in->status("delete request"));
  TRY(fields.status("delete request"));
  if (state != 1 && state != 2) return Error::corrupt(fmt::format("delete request: unknown state {}", state));
  request.state = static_cast<State>(state);
  return request;
}

void LegalHold::encode(std::string* out) const {
  std::string fields;
  ByteWriter w(&fields);
  w.string(id);
  w.string(tenant);
  w.string(selector);
  w.i64(start_ns);
  w.i64(end_ns);
  w.string(reason);
  w.i64(created_ns);
  ByteWriter(out).string(fields);
}

Result<LegalHold> LegalHold::decode(ByteReader* in) {
  ByteReader fields(in->string());
  LegalHold hold;
  hold.id = fields.string();
  hold.tenant = fields.string();
  hold.selector = fields.string();
  hold.start_ns = fields.i64();
  hold.end_ns = fields.i64();
  hold.reason = fields.string();
  hold.created_ns = fields.i64();
  TRY(in->status("legal hold"));
  TRY(fields.status("legal hold"));
  return hold;
}

}  // namespace cordwood
