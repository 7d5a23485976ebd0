package apono

import (
	"context"
	"iter"
	"log/slog"
	"net/http"
	"time"

	"github.com/apono-go/apono/internal/operation"
)

// ReportsService manages activity reports: which activity is reported, and to
// whom it is sent when. The API neither runs nor downloads reports; see
// [ActivityService] for the activity itself.
//
// API section: Activity Reports, see https://docs.apono.io.
type ReportsService struct{ client *Client }

var (
	listReports  = operation.New("Reports.List", http.MethodGet, "/api/admin/v1/activity-reports")
	getReport    = operation.New("Reports.Get", http.MethodGet, "/api/admin/v1/activity-reports/{id}")
	createReport = operation.New("Reports.Create", http.MethodPost, "/api/admin/v1/activity-reports")
	updateReport = operation.New("Reports.Update", http.MethodPut, "/api/admin/v1/activity-reports/{id}")
	deleteReport = operation.New("Reports.Delete", http.MethodDelete, "/api/admin/v1/activity-reports/{id}")
)

// ReportFormat is the file format of a report.
type ReportFormat string

// The known formats.
const (
	// ReportFormatCSV is CSV, the default.
	ReportFormatCSV ReportFormat = "csv"
	// ReportFormatPDF is PDF.
	ReportFormatPDF ReportFormat = "pdf"
)

// TimeUnit is a unit of relative time frames.
type TimeUnit string

// The known units.
const (
	// TimeUnitHour is an hour.
	TimeUnitHour TimeUnit = "hour"
	// TimeUnitDay is a day.
	TimeUnitDay TimeUnit = "day"
	// TimeUnitMonth is a month.
	TimeUnitMonth TimeUnit = "month"
)

// ActivityReport is a report on activity.
type ActivityReport struct {
	// ID identifies the report.
	ID string `json:"id"`
	// Name is the display name, unique in the account.
	Name string `json:"name"`
	// Fields are the columns.
	Fields []ReportField `json:"fields,omitzero"`
	// Filters pick the activity.
	Filters ReportFilters `json:"filters"`
	// Timeframe is the time that the report is about.
	Timeframe ReportTimeframe `json:"timeframe"`
	// Schedule is when the report is sent, nil for never.
	Schedule *ReportSchedule `json:"schedule,omitzero"`
	// Format is the file format, CSV unless given.
	Format *ReportFormat `json:"format,omitzero"`
	// CreationDate is when the report was made.
	CreationDate time.Time `json:"creation_date"`
	// UpdateDate is when it was last changed.
	UpdateDate time.Time `json:"update_date"`

	Extra Extra `json:",embed,inline"`
}

// ReportFilters pick activity. Of several values in a filter one must match, and
// all filters must. The API does not list the values of identity types,
// statuses and trigger types.
type ReportFilters struct {
	// RequestorSourceIDs are who asked, by their ids at the source.
	RequestorSourceIDs []string `json:"requestor_source_ids,omitzero"`
	// GranteeSourceIDs are who received, by their ids at the source.
	GranteeSourceIDs []string `json:"grantee_source_ids,omitzero"`
	// GranteeIdentityTypes are kinds of identities.
	GranteeIdentityTypes []string `json:"grantee_identity_types,omitzero"`
	// IntegrationIDs are integrations.
	IntegrationIDs []string `json:"integration_ids,omitzero"`
	// PermissionNames are permissions.
	PermissionNames []string `json:"permission_names,omitzero"`
	// ResourceIDs are resources.
	ResourceIDs []string `json:"resource_ids,omitzero"`
	// ResourceTypes are types of resources.
	ResourceTypes []string `json:"resource_types,omitzero"`
	// Statuses are states of requests.
	Statuses []string `json:"statuses,omitzero"`
	// TriggerTypes are the ways in which access came about.
	TriggerTypes []string `json:"trigger_types,omitzero"`
	// AccessFlowIDs are access flows.
	AccessFlowIDs []string `json:"access_flow_ids,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// ReportTimeframe is the time that a report is about. Exactly one member must be
// set.
type ReportTimeframe struct {
	// Absolute is from one time to another.
	Absolute *AbsoluteTimeframe `json:"absolute,omitzero"`
	// Relative is back from the time of the report.
	Relative *RelativeTimeframe `json:"relative,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// AbsoluteTimeframe is from one time to another.
type AbsoluteTimeframe struct {
	// StartDate is the beginning, in UTC.
	StartDate time.Time `json:"start_date"`
	// EndDate is the end, in UTC.
	EndDate time.Time `json:"end_date"`

	Extra Extra `json:",embed,inline"`
}

// RelativeTimeframe is back from the time of the report.
type RelativeTimeframe struct {
	// Last is how many units, at least 1.
	Last int `json:"last"`
	// Unit is the unit.
	Unit TimeUnit `json:"unit"`
	// Rounded moves the beginning to the start of a unit.
	Rounded bool `json:"rounded"`

	Extra Extra `json:",embed,inline"`
}

// ReportSchedule is when a report is sent, and to whom.
type ReportSchedule struct {
	// CronExpression is the times in cron's five fields, such as "0 9 * * 1-5".
	CronExpression string `json:"cron_expression"`
	// Recipients are e-mail addresses.
	Recipients []string `json:"recipients"`

	Extra Extra `json:",embed,inline"`
}

// ListReportsOptions filters and pages a list of activity reports.
type ListReportsOptions struct {
	// PageToken is where to go on, from Page.NextPageToken. The token carries
	// the filters of the list that it came from; those given here are not sent.
	PageToken string `url:"page_token,omitempty"`
	// Limit is the size of a page; the server's default is 100.
	Limit int `url:"limit,omitempty"`
	// Name is a name, or a pattern with an asterisk at either end or both,
	// such as "prod*". Whether case matters is not documented.
	Name string `url:"name,omitempty"`
}

func (o ListReportsOptions) at(token string) (ListReportsOptions, string) {
	from := o.PageToken
	o.PageToken = token
	return o, from
}

// ActivityReportInput is a new report, or what a report becomes. An update
// replaces the whole report, so start from [ActivityReport.UpdateInput].
type ActivityReportInput struct {
	// Name is the display name, unique in the account.
	Name string `json:"name"`
	// Fields are the columns.
	Fields []ReportField `json:"fields,omitzero"`
	// Filters pick the activity.
	Filters ReportFilters `json:"filters"`
	// Timeframe is the time that the report is about.
	Timeframe ReportTimeframe `json:"timeframe"`
	// Schedule is when the report is sent, nil for never.
	Schedule *ReportSchedule `json:"schedule,omitzero"`
	// Format is the file format, CSV unless given.
	Format *ReportFormat `json:"format,omitzero"`

	Extra Extra `json:",embed,inline"`
}

// List gets one page of the activity reports.
//
// GET /api/admin/v1/activity-reports
func (s *ReportsService) List(ctx context.Context, opts ...ListReportsOptions) (*Page[ActivityReport], error) {
	return list[ActivityReport](ctx, s.client, listReports, opts)
}

// ListAll iterates over all activity reports, page by page as the loop goes on. An
// error is the last pair of the loop; a page token that comes back is
// [ErrPageLoop].
//
// GET /api/admin/v1/activity-reports
func (s *ReportsService) ListAll(ctx context.Context, opts ...ListReportsOptions) iter.Seq2[*ActivityReport, error] {
	return listAll[ActivityReport](ctx, s.client, listReports, opts)
}

// Get gets an activity report by its id; [ErrNotFound] if there is none.
//
// GET /api/admin/v1/activity-reports/{id}
func (s *ReportsService) Get(ctx context.Context, id string) (*ActivityReport, error) {
	return call[ActivityReport](ctx, s.client, getReport, nil, id)
}

// Create makes an activity report. A time frame with other than exactly one
// member is an [*ArgumentError]. The request is not repeated after a failure
// that leaves open whether the activity report was made.
//
// POST /api/admin/v1/activity-reports
func (s *ReportsService) Create(ctx context.Context, in ActivityReportInput) (*ActivityReport, error) {
	return call[ActivityReport](ctx, s.client, createReport, in)
}

// Update replaces an activity report; [ErrNotFound] if there is none. A time frame
// with other than exactly one member is an [*ArgumentError].
//
// PUT /api/admin/v1/activity-reports/{id}
func (s *ReportsService) Update(ctx context.Context, id string, in ActivityReportInput) (*ActivityReport, error) {
	return call[ActivityReport](ctx, s.client, updateReport, in, id)
}

// Delete deletes an activity report; [ErrNotFound] if there is none.
//
// DELETE /api/admin/v1/activity-reports/{id}
func (s *ReportsService) Delete(ctx context.Context, id string) error {
	return exec(ctx, s.client, deleteReport, nil, id)
}

// UpdateInput returns the input that writes the report back as it is, Extra
// included, to be edited and passed to Update. Editing it does not change the
// report.
func (r *ActivityReport) UpdateInput() ActivityReportInput {
	r = clone(r)
	return ActivityReportInput{
		Name:      r.Name,
		Fields:    r.Fields,
		Filters:   r.Filters,
		Timeframe: r.Timeframe,
		Schedule:  r.Schedule,
		Format:    r.Format,
		Extra:     r.Extra,
	}
}

func (in ActivityReportInput) check() error {
	return exactlyOne("in.Timeframe", in.Timeframe.Extra,
		member{"Absolute", in.Timeframe.Absolute != nil},
		member{"Relative", in.Timeframe.Relative != nil})
}

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r ActivityReport) LogValue() slog.Value { return logValue(r) }

// String returns what LogValue does.
func (r ActivityReport) String() string { return printed(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r ReportFilters) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r ReportTimeframe) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (a AbsoluteTimeframe) LogValue() slog.Value { return logValue(a) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r RelativeTimeframe) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (r ReportSchedule) LogValue() slog.Value { return logValue(r) }

// LogValue returns the JSON of the value, with the members in Extra redacted.
func (in ActivityReportInput) LogValue() slog.Value { return logValue(in) }
