package aponotest

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"time"
)

// Columns of activity, by the form that they have in responses. Columns that no example
// of the API's document has are strings.
var (
	activityTexts = []string{
		"request_id", "request_date", "request_grant_date", "request_revoke_date", "requestor_name", "requestor_email",
		"grantee_name", "grantee_id", "grantee_type", "integration", "resource_type", "approver_names", "approver_emails",
		"approver_types", "justification", "status", "approver_reason", "resources_status", "trigger_type", "access_flow",
		"bundle_name", "extension_count",
	}
	activityLists = []string{"resources", "permissions"}
	// activityHidden are used by filters and never returned.
	activityHidden = []string{"access_flow_id", "integration_id", "requestor_id"}
	// activityDefault are returned if a request does not name columns.
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

var activityRoutes = map[string]route{"Activity.List": {
	query: offsetParams.with(filterParams(activityResource.filters)).
		with(params{"fields": many, "start_date": integer, "end_date": integer}),
	handle: (*Server).listActivity,
}}

// listActivity returns rows with the requested columns.
func (s *Server) listActivity(req *request) (any, *problem) {
	columns := activityDefault
	if asked := req.query["fields"]; len(asked) > 0 {
		columns = asked
		for _, name := range asked {
			if !slices.Contains(slices.Concat(activityTexts, activityLists), name) {
				return nil, invalid("fields", "field %q not found", name)
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

// recordRequest adds the activity of a new access request, one row for each integration.
func (s *Server) recordRequest(o object) {
	id, _ := o["id"].(string)
	row := object{"request_id": id, "request_date": o[creationDate], "status": o["status"]}
	for name, value := range map[string]any{
		"justification": o["justification"], "requestor_id": member(o, "requestor.id"), "requestor_email": member(o, "requestor.source_id"),
		"grantee_id": member(o, "grantee.id"), "bundle_name": member(o, "bundle.name"),
	} {
		if value != nil {
			row[name] = value
		}
	}
	groups, _ := o["access_groups"].([]any)
	if len(groups) == 0 {
		s.store.put(Activity, row)
	}
	for _, group := range groups {
		s.store.put(Activity, s.activityOf(id, row, member(group, "integration")))
	}
}

// activityOf returns a copy of a row with the values of one integration.
func (s *Server) activityOf(requestID string, about object, integration any) object {
	row := maps.Clone(about)
	row["integration"], row["integration_id"] = member(integration, "name"), member(integration, "id")
	resources, permissions := []any{}, []any{}
	for _, e := range s.store.objects[EntitlementsOf(requestID)] {
		if member(e.object, "integration.id") != row["integration_id"] {
			continue
		}
		row["resource_type"] = member(e.object, "resource.type.id")
		resources = appendNew(resources, member(e.object, "resource.name"))
		permissions = appendNew(permissions, member(e.object, "permission.name"))
	}
	row["resources"], row["permissions"] = resources, permissions
	return row
}

func appendNew(values []any, value any) []any {
	if slices.Contains(values, value) {
		return values
	}
	return append(values, value)
}

// within reports whether a row lies between the start and end date of the query. The
// API does not document their unit. They are compared with the row's date, which is
// a number, or else as seconds or milliseconds with its request_date.
func within(row object, req *request) bool {
	compare := func(int64) int { return 0 }
	if date, err := number(row["date"]); err == nil {
		compare = func(asked int64) int { return cmp.Compare(date, asked) }
	} else if text, _ := row["request_date"].(string); text != "" {
		at, err := time.Parse(time.RFC3339Nano, text)
		if err != nil {
			return true
		}
		compare = func(asked int64) int { return at.Compare(instantOf(asked)) }
	}
	start, errStart := number(json.Number(req.query.Get("start_date")))
	end, errEnd := number(json.Number(req.query.Get("end_date")))
	return (errStart != nil || compare(start) >= 0) && (errEnd != nil || compare(end) <= 0)
}

// instantOf returns the time of a Unix timestamp in seconds, or in milliseconds if it is
// too large for seconds.
func instantOf(date int64) time.Time {
	const farSeconds = 100_000_000_000 // the year 5138, or 1973 in milliseconds
	if date >= farSeconds {
		return time.UnixMilli(date)
	}
	return time.Unix(date, 0)
}
