package edge

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// counters are a host's: few, for there are thousands of hosts. Histograms are the upstreams'.
type counters struct {
	status      [6]atomic.Int64 // by hundreds; 0 is what has no status
	received    atomic.Int64
	sent        atomic.Int64
	nanoseconds atomic.Int64
}

func (c *counters) observe(status int, received, sent int64, took time.Duration) {
	class := status / 100
	if class < 1 || class > 5 {
		class = 0
	}
	c.status[class].Add(1)
	c.received.Add(max(received, 0))
	c.sent.Add(sent)
	c.nanoseconds.Add(int64(took))
}

// metrics are what Prometheus gets.
type metrics struct {
	registry *prometheus.Registry

	mu    sync.Mutex
	hosts map[string]*counters

	unknown      prometheus.Counter
	refusedTLS   prometheus.Counter
	upstreams    *prometheus.HistogramVec
	swaps        prometheus.Counter
	reloads      prometheus.Counter
	pollFailures prometheus.Counter
	refused      prometheus.Gauge
	hostCount    prometheus.Gauge
	loaded       prometheus.Gauge

	requestsDesc, receivedDesc, sentDesc, secondsDesc *prometheus.Desc
}

func newMetrics() *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "massif_edge", Name: name, Help: help})
	}
	gauge := func(name, help string) prometheus.Gauge {
		return prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "massif_edge", Name: name, Help: help})
	}
	desc := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("massif_edge_host_"+name, help, append([]string{"host"}, labels...), nil)
	}
	m := &metrics{
		registry:   prometheus.NewRegistry(),
		hosts:      map[string]*counters{},
		unknown:    counter("unknown_host_requests_total", "Requests for hosts that are not in the table."),
		refusedTLS: counter("refused_handshakes_total", "TLS handshakes for hosts that are not in the table."),
		upstreams: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: "massif_edge", Name: "upstream_request_seconds", Help: "Time until a request was answered, by upstream and target.",
			Buckets: []float64{0.005, 0.025, 0.1, 0.5, 2.5, 10, 60},
		}, []string{"upstream", "target"}),
		swaps:        counter("table_swaps_total", "How often another table took its place."),
		reloads:      counter("reloads_total", "How often Caddy was loaded: at the start, and when ACME was configured otherwise."),
		pollFailures: counter("poll_failures_total", "How often the container could not be read."),
		refused:      gauge("refused_documents", "Documents whose newest version is not served as it is."),
		hostCount:    gauge("hosts", "Hosts in the table."),
		loaded:       gauge("last_poll_timestamp_seconds", "When the container was read the last time."),
		requestsDesc: desc("requests_total", "Requests by class of their status.", "status"),
		receivedDesc: desc("received_bytes_total", "Bytes of the bodies of requests."),
		sentDesc:     desc("sent_bytes_total", "Bytes of the bodies of responses."),
		secondsDesc:  desc("request_seconds_total", "Time that requests took."),
	}
	m.registry.MustRegister(m, m.unknown, m.refusedTLS, m.upstreams, m.swaps, m.reloads, m.pollFailures, m.refused, m.hostCount, m.loaded,
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

// gauge adds a number that is read when Prometheus asks.
func (m *metrics) gauge(name, help string, value func() int64) {
	m.registry.MustRegister(prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "massif_edge", Name: name, Help: help},
		func() float64 { return float64(value()) }))
}

// host are the counters of a host, which outlive tables.
func (m *metrics) host(name string) *counters {
	m.mu.Lock()
	defer m.mu.Unlock()
	found := m.hosts[name]
	if found == nil {
		found = &counters{}
		m.hosts[name] = found
	}
	return found
}

// keepOnly forgets the counters of hosts that are gone.
func (m *metrics) keepOnly(table *table) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.hosts {
		if table.hosts[name] == nil {
			delete(m.hosts, name)
		}
	}
}

// Describe names the series of hosts.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, desc := range []*prometheus.Desc{m.requestsDesc, m.receivedDesc, m.sentDesc, m.secondsDesc} {
		out <- desc
	}
}

// Collect gives the series of hosts that had requests.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name, c := range m.hosts {
		total := int64(0)
		for class := range c.status {
			count := c.status[class].Load()
			if total += count; count > 0 {
				out <- prometheus.MustNewConstMetric(m.requestsDesc, prometheus.CounterValue, float64(count), name, statusClass(class))
			}
		}
		if total == 0 {
			continue
		}
		out <- prometheus.MustNewConstMetric(m.receivedDesc, prometheus.CounterValue, float64(c.received.Load()), name)
		out <- prometheus.MustNewConstMetric(m.sentDesc, prometheus.CounterValue, float64(c.sent.Load()), name)
		out <- prometheus.MustNewConstMetric(m.secondsDesc, prometheus.CounterValue, time.Duration(c.nanoseconds.Load()).Seconds(), name)
	}
}

func statusClass(class int) string {
	return [...]string{"none", "1xx", "2xx", "3xx", "4xx", "5xx"}[class]
}
