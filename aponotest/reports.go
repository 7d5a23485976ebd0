package aponotest

import (
	"encoding/json"
	"maps"
	"slices"
	"strconv"
)

var (
	writeReportSchema = objectOf(map[string]field{
		"name": required(text), "fields": optional(texts), "format": optional(text),
		"filters": required(objectOf(map[string]field{
			"requestor_source_ids": optional(texts), "grantee_source_ids": optional(texts),
			"grantee_identity_types": optional(texts), "integration_ids": optional(texts), "permission_names": optional(texts),
			"resource_ids": optional(texts), "resource_types": optional(texts), "statuses": optional(texts),
			"trigger_types": optional(texts), "access_flow_ids": optional(texts),
		})),
		"timeframe": required(oneOf(map[string]field{
			"absolute": optional(objectOf(map[string]field{"start_date": required(instant), "end_date": required(instant)})),
			"relative": optional(objectOf(map[string]field{
				"last": required(int32s), "unit": required(text), "rounded": required(boolean),
			})),
		})),
		"schedule": optional(objectOf(map[string]field{"cron_expression": required(text), "recipients": required(texts)})),
	})
	reportSchema = writeReportSchema.with(map[string]field{
		"id": required(text), "creation_date": required(instant), "update_date": required(instant),
	})
	reportResource = &resource{
		collection: Reports, noun: "activity report", schema: reportSchema,
		create: writeReportSchema, update: writeReportSchema, filters: nameFilter,
		deleted: object{"message": "The activity report was deleted"},
	}
)

// The columns of activity: those that the API answers as one text each, and
// those that it answers as lists. What no row of the document has is text here.
var (
	activityTexts = []string{
		"request_id", "request_date", "request_grant_date", "request_revoke_date", "requestor_name", "requestor_email",
		"grantee_name", "grantee_id", "grantee_type", "integration", "resource_type", "approver_names", "approver_emails",
		"approver_types", "justification", "status", "approver_reason", "resources_status", "trigger_type", "access_flow",
		"bundle_name", "extension_count",
	}
	activityLists = []string{"resources", "permissions"}
	// activityHidden are members that filters look at and no row shows.
	activityHidden = []string{"access_flow_id", "integration_id", "requestor_id"}
	// activityDefault are the columns of a request that names none.
	activityDefault = []string{
		"request_id", "request_date", "requestor_name", "requestor_email", "integration", "resource_type", "resources",
		"permissions", "justification", "status", "trigger_type", "access_flow", "extension_count",
	}

	activitySchema = func() *schema {
		fields := map[string]field{"date": optional(int64s)}
		for _, name := range slices.Concat(activityTexts, activityHidden) {
			fields[name] = optional(text)
		}
		for _, name := range activityLists {
			fields[name] = optional(texts)
		}
		return objectOf(fields)
	}()
	activityResource = &resource{
		collection: Activity, noun: "activity", schema: activitySchema, keyless: true,
		filters: []filter{
			{param: "filter[access_flow_id]", field: "access_flow_id", many: true},
			{param: "filter[access_request_id]", field: "request_id", many: true},
			{param: "filter[integration_id]", field: "integration_id", many: true},
			{param: "filter[permission]", field: "permissions", many: true},
			{param: "filter[requestor_id]", field: "requestor_id", many: true},
			{param: "filter[resource]", field: "resources", many: true},
			{param: "filter[resource_type]", field: "resource_type", many: true},
			{param: "filter[status]", field: "status", many: true},
			{param: "filter[trigger_type]", field: "trigger_type", many: true},
		},
	}
)

var reportRoutes = collect(
	reportResource.routes("Reports", "List", "Get", "Create", "Update", "Delete"),
	map[string]route{"Activity.List": {
		query: offsetParams.with(filterParams(activityResource.filters)).
			with(params{"fields": many, "start_date": integer, "end_date": integer}),
		handle: (*Server).listActivity,
	}},
)

// listActivity answers rows with the columns that were asked for. Dates are
// compared as the numbers that they are; what they count is unknown.
func (s *Server) listActivity(req *request) (any, *problem) {
	columns := activityDefault
	if asked := req.query["fields"]; len(asked) > 0 {
		columns = asked
		for _, name := range asked {
			if !slices.Contains(slices.Concat(activityTexts, activityLists), name) {
				return nil, invalid("fields", "there is no field %q", name)
			}
		}
	}
	var rows []any
	for _, e := range s.store.objects[Activity] {
		if !matches(e.object, activityResource.filters, req.query) || !within(e.object, req) {
			continue
		}
		row := maps.Clone(e.object)
		maps.DeleteFunc(row, func(name string, _ any) bool { return !slices.Contains(columns, name) })
		rows = append(rows, row)
	}
	return s.offsetPage(rows, req)
}

func within(row object, req *request) bool {
	date, ok := row["date"].(json.Number)
	at, err := date.Int64()
	if !ok || err != nil {
		return true
	}
	start, errStart := strconv.ParseInt(req.query.Get("start_date"), 10, 64)
	end, errEnd := strconv.ParseInt(req.query.Get("end_date"), 10, 64)
	return (errStart != nil || at >= start) && (errEnd != nil || at <= end)
}
