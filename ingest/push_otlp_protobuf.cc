// SPDX-License-Identifier: Apache-2.0
#include "ingest/otlp_rows.h"
#include "ingest/proto_reader.h"
#include "ingest/push_otlp.h"

namespace cordwood::ingest {

namespace {

using Wire = ProtoReader::Wire;

Error malformed_export() {
  return Error::invalid("proto: malformed ExportLogsServiceRequest");
}

Result<OtlpAttribute> read_attribute(std::string_view message, int depth);

Result<OtlpValue> read_value(std::string_view message, int depth) {
  if (depth > OtlpValue::kMaxDepth) {
    return Error::invalid(fmt::format("an attribute is nested deeper than {} levels", OtlpValue::kMaxDepth));
  }
  OtlpValue value;
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(1, Wire::bytes_wire) || in.is(7, Wire::bytes_wire)) {
      value.kind = in.field() == 1 ? OtlpValue::Kind::text : OtlpValue::Kind::bytes;
      value.text = in.bytes();
    } else if (in.is(2, Wire::varint_wire)) {
      value.kind = OtlpValue::Kind::boolean;
      value.boolean = in.varint() != 0;
    } else if (in.is(3, Wire::varint_wire)) {
      value.kind = OtlpValue::Kind::integer;
      value.integer = static_cast<int64_t>(in.varint());
    } else if (in.is(4, Wire::fixed64_wire)) {
      value.kind = OtlpValue::Kind::real;
      value.real = in.real();
    } else if (in.is(5, Wire::bytes_wire) || in.is(6, Wire::bytes_wire)) {
      const bool is_array = in.field() == 5;
      value.kind = is_array ? OtlpValue::Kind::array : OtlpValue::Kind::map;
      ProtoReader list(in.bytes());
      while (list.next()) {
        if (value.items.size() + value.members.size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
        if (!list.is(1, Wire::bytes_wire)) {
          list.skip();
        } else if (is_array) {
          TRY_ASSIGN(OtlpValue item, read_value(list.bytes(), depth + 1));
          value.items.push_back(std::move(item));
        } else {
          TRY_ASSIGN(OtlpAttribute member, read_attribute(list.bytes(), depth + 1));
          value.members.push_back(std::move(member));
        }
      }
      if (list.failed()) return malformed_export();
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_export();
  return value;
}

Result<OtlpAttribute> read_attribute(std::string_view message, int depth) {
  OtlpAttribute attribute;
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(1, Wire::bytes_wire)) {
      attribute.key = in.bytes();
    } else if (in.is(2, Wire::bytes_wire)) {
      TRY_ASSIGN(attribute.value, read_value(in.bytes(), depth));
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_export();
  return attribute;
}

Result<void> append_attribute(std::string_view message, std::vector<OtlpAttribute>* out) {
  if (out->size() == RowBuilder::kMaxPairs) return RowBuilder::too_many_pairs();
  TRY_ASSIGN(OtlpAttribute attribute, read_attribute(message, 1));
  out->push_back(std::move(attribute));
  return {};
}

Result<void> read_body_or_attribute(ProtoReader* in, OtlpRecord* record) {
  if (in->field() == 6) return append_attribute(in->bytes(), &record->attributes);
  TRY_ASSIGN(record->body, read_value(in->bytes(), 1));
  return {};
}

Result<void> read_record(std::string_view message, OtlpRows* rows) {
  OtlpRecord record;
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(1, Wire::fixed64_wire)) {
      record.time_unix_nano = in.fixed64();
    } else if (in.is(11, Wire::fixed64_wire)) {
      record.observed_time_unix_nano = in.fixed64();
    } else if (in.is(2, Wire::varint_wire)) {
      record.severity_number = static_cast<int32_t>(in.varint());
    } else if (in.is(3, Wire::bytes_wire)) {
      record.severity_text = in.bytes();
    } else if (in.is(5, Wire::bytes_wire) || in.is(6, Wire::bytes_wire)) {
      TRY(read_body_or_attribute(&in, &record));
    } else if (in.is(7, Wire::varint_wire)) {
      record.dropped_attributes_count = static_cast<uint32_t>(in.varint());
    } else if (in.is(8, Wire::fixed32_wire)) {
      record.flags = in.fixed32();
    } else if (in.is(9, Wire::bytes_wire) || in.is(10, Wire::bytes_wire)) {
      const bool is_trace = in.field() == 9;
      const std::string_view id = in.bytes();
      if (!id.empty() && id.size() != (is_trace ? 16u : 8u)) return Error::invalid("proto: an id has another length");
      (is_trace ? record.trace_id : record.span_id) = hex_of_id(id, rows->arena());
    } else if (in.is(12, Wire::bytes_wire)) {
      record.event_name = in.bytes();
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_export();
  return rows->add(record);
}

Result<OtlpScope> read_scope(std::string_view message) {
  OtlpScope scope;
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(1, Wire::bytes_wire)) {
      scope.name = in.bytes();
    } else if (in.is(2, Wire::bytes_wire)) {
      scope.version = in.bytes();
    } else if (in.is(3, Wire::bytes_wire)) {
      TRY(append_attribute(in.bytes(), &scope.attributes));
    } else if (in.is(4, Wire::varint_wire)) {
      scope.dropped_attributes_count = static_cast<uint32_t>(in.varint());
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_export();
  return scope;
}

/// The last field 1 of a message: what the records behind or before it belong to.
Result<std::string_view> find_owner(std::string_view message) {
  ProtoReader in(message);
  std::string_view owner;
  while (in.next()) {
    if (in.is(1, Wire::bytes_wire)) {
      owner = in.bytes();
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_export();
  return owner;
}

Result<void> read_scope_logs(std::string_view message, OtlpRows* rows) {
  TRY_ASSIGN(const std::string_view owner, find_owner(message));
  TRY_ASSIGN(const OtlpScope scope, read_scope(owner));
  TRY(rows->begin_scope(scope));
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(2, Wire::bytes_wire)) {
      TRY(read_record(in.bytes(), rows));
    } else {
      in.skip();
    }
  }
  return {};
}

Result<void> read_resource_logs(std::string_view message, OtlpRows* rows) {
  TRY_ASSIGN(const std::string_view owner, find_owner(message));
  std::vector<OtlpAttribute> attributes;
  ProtoReader resource(owner);
  while (resource.next()) {
    if (resource.is(1, Wire::bytes_wire)) {
      TRY(append_attribute(resource.bytes(), &attributes));
    } else {
      resource.skip();
    }
  }
  if (resource.failed()) return malformed_export();
  TRY(rows->begin_resource(attributes));
  ProtoReader in(message);
  while (in.next()) {
    if (in.is(2, Wire::bytes_wire)) {
      TRY(read_scope_logs(in.bytes(), rows));
    } else {
      in.skip();
    }
  }
  return {};
}

}  // namespace

Result<void> decode_push_otlp_protobuf(std::string_view body, RowBuilder* rows) {
  OtlpRows otlp(rows);
  ProtoReader in(body);
  while (in.next()) {
    if (in.is(1, Wire::bytes_wire)) {
      TRY(read_resource_logs(in.bytes(), &otlp));
    } else {
      in.skip();
    }
  }
  if (in.failed()) return malformed_export();
  return {};
}

}  // namespace cordwood::ingest
