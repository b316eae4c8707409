package kubernetes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"sigs.k8s.io/yaml"
)

const (
	requestTimeout = 30 * time.Second

	pollFirst  = 250 * time.Millisecond
	pollFactor = 1.5
	pollMost   = 5 * time.Second
)

// Client talks to one cluster's API.
type Client struct {
	api     kubernetes.Interface
	cluster string
}

// NewClient makes a client; nothing is sent yet.
func NewClient(access Access) (*Client, error) {
	api, err := kubernetes.NewForConfig(access.restConfig())
	if err != nil {
		return nil, fmt.Errorf("kubernetes client of cluster %s: %w", access.Cluster, err)
	}
	return &Client{api: api, cluster: access.Cluster}, nil
}

// Ready asks the API once whether it is ready.
func (c *Client) Ready(ctx context.Context) error {
	if err := c.api.Discovery().RESTClient().Get().AbsPath("/readyz").Do(ctx).Error(); err != nil {
		return fmt.Errorf("API of cluster %s: %w", c.cluster, err)
	}
	return nil
}

// WaitReady waits until the API is ready.
func (c *Client) WaitReady(ctx context.Context) error {
	if err := poll(ctx, c.Ready); err != nil {
		return fmt.Errorf("wait for the API of cluster %s: %w", c.cluster, err)
	}
	return nil
}

// WaitNode waits until a node is Ready and, as a server, a member of the control
// plane whose etcd votes.
func (c *Client) WaitNode(ctx context.Context, name string, role Role) error {
	err := poll(ctx, func(ctx context.Context) error {
		node, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return errors.New("it has not registered")
		}
		if err != nil {
			return err
		}
		if lacks := whyNotReady(node, role); lacks != "" {
			return errors.New(lacks)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("wait for node %s: %w", name, err)
	}
	return nil
}

// whyNotReady tells what a node lacks, in the words of its conditions.
func whyNotReady(node *corev1.Node, role Role) string {
	var lacks []string
	ready := false
	for _, condition := range node.Status.Conditions {
		switch {
		case condition.Type == corev1.NodeReady && condition.Status == corev1.ConditionTrue:
			ready = true
		case condition.Type == corev1.NodeReady, condition.Type == "EtcdIsVoter" && role == RoleServer && condition.Status != corev1.ConditionTrue:
			lacks = append(lacks, strings.TrimSpace(fmt.Sprintf("%s is %s: %s %s", condition.Type, condition.Status, condition.Reason, condition.Message)))
		}
	}
	if !ready && len(lacks) == 0 {
		lacks = append(lacks, "Ready is not reported yet")
	}
	if role == RoleServer {
		for _, label := range []string{"node-role.kubernetes.io/control-plane", "node-role.kubernetes.io/etcd"} {
			if _, ok := node.Labels[label]; !ok {
				lacks = append(lacks, "the label "+label+" is missing")
			}
		}
	}
	return strings.Join(lacks, "; ")
}

// NodeState is what the cluster says of a node.
type NodeState struct {
	Name          string
	Ready         bool
	Unschedulable bool
	Labels        map[string]string
	Taints        []string
	// Problem tells why a node is not ready.
	Problem string
}

// Nodes lists the cluster's nodes by name.
func (c *Client) Nodes(ctx context.Context) (map[string]NodeState, error) {
	list, err := c.api.CoreV1().Nodes().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, fmt.Errorf("list the nodes of cluster %s: %w", c.cluster, err)
	}
	nodes := make(map[string]NodeState, len(list.Items))
	for _, node := range list.Items {
		problem := whyNotReady(&node, RoleAgent)
		state := NodeState{
			Name: node.Name, Ready: problem == "", Problem: problem,
			Unschedulable: node.Spec.Unschedulable, Labels: node.Labels,
		}
		for _, taint := range node.Spec.Taints {
			state.Taints = append(state.Taints, taint.ToString())
		}
		nodes[node.Name] = state
	}
	return nodes, nil
}

// DeleteNode removes a node from the cluster and waits until it is gone, which for a
// server is when etcd has let go of it: its machine must live until then. A node that
// is gone already is no error.
func (c *Client) DeleteNode(ctx context.Context, name string) error {
	err := c.api.CoreV1().Nodes().Delete(ctx, name, metav1.DeleteOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete node %s: %w", name, err)
	}
	err = poll(ctx, func(ctx context.Context) error {
		node, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return nil
		}
		if err != nil {
			return err
		}
		return fmt.Errorf("its finalizers are %v", node.Finalizers)
	})
	if err != nil {
		return fmt.Errorf("wait for node %s to be gone: %w", name, err)
	}
	return nil
}

// LabelChange is what turns one set of labels and taints into another. Labels and
// taints that neither names belong to others and stay.
type LabelChange struct {
	Labels, OldLabels map[string]string
	Taints, OldTaints []corev1.Taint
}

// Relabel changes a node's labels and taints.
func (c *Client) Relabel(ctx context.Context, name string, change LabelChange) error {
	labels := map[string]any{}
	for key := range change.OldLabels {
		labels[key] = nil
	}
	for key, value := range change.Labels {
		labels[key] = value
	}
	err := retry.RetryOnConflict(retry.DefaultBackoff, func() error {
		node, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		// Taints are one list, so a change made meanwhile must not be lost: the
		// resource version makes it a conflict.
		patch, err := json.Marshal(map[string]any{
			"metadata": map[string]any{"labels": labels, "resourceVersion": node.ResourceVersion},
			"spec":     map[string]any{"taints": mergeTaints(node.Spec.Taints, change.OldTaints, change.Taints)},
		})
		if err != nil {
			return err
		}
		_, err = c.api.CoreV1().Nodes().Patch(ctx, name, types.MergePatchType, patch, metav1.PatchOptions{})
		return err
	})
	if err != nil {
		return fmt.Errorf("change labels and taints of node %s: %w", name, err)
	}
	return nil
}

func mergeTaints(current, old, wanted []corev1.Taint) []corev1.Taint {
	merged := slices.DeleteFunc(slices.Clone(current), func(taint corev1.Taint) bool {
		same := func(other corev1.Taint) bool { return taint.MatchTaint(&other) }
		return slices.ContainsFunc(old, same) || slices.ContainsFunc(wanted, same)
	})
	return append(merged, wanted...)
}

// S3 is a bucket for etcd snapshots and the keys to it.
type S3 struct {
	Endpoint  string
	Bucket    string
	Folder    string
	Region    string
	AccessKey string
	SecretKey string
	// Insecure is for endpoints without TLS.
	Insecure bool
}

// secretData are the keys the distributions read.
func (s S3) secretData() map[string]string {
	return map[string]string{
		"etcd-s3-endpoint":   s.Endpoint,
		"etcd-s3-bucket":     s.Bucket,
		"etcd-s3-folder":     s.Folder,
		"etcd-s3-region":     s.Region,
		"etcd-s3-access-key": s.AccessKey,
		"etcd-s3-secret-key": s.SecretKey,
		"etcd-s3-insecure":   fmt.Sprint(s.Insecure),
	}
}

// secret is the object that the servers read the target from.
func (s S3) secret() *corev1.Secret {
	return &corev1.Secret{
		TypeMeta:   metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"},
		ObjectMeta: metav1.ObjectMeta{Name: snapshotSecret, Namespace: metav1.NamespaceSystem},
		Type:       "etcd.k3s.cattle.io/s3-config-secret",
		StringData: s.secretData(),
	}
}

// Manifest renders the target as a manifest, for servers whose API nobody waits for.
func (s S3) Manifest() (string, error) {
	text, err := yaml.Marshal(s.secret())
	if err != nil {
		return "", fmt.Errorf("render the snapshot target: %w", err)
	}
	return string(text), nil
}

// SetSnapshotTarget tells the servers where etcd snapshots go. It goes through the
// API, because whatever is in user data can be read by the pods of the node.
func (c *Client) SetSnapshotTarget(ctx context.Context, target S3) error {
	secrets := c.api.CoreV1().Secrets(metav1.NamespaceSystem)
	_, err := secrets.Create(ctx, target.secret(), metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		_, err = secrets.Update(ctx, target.secret(), metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("store the snapshot target in cluster %s: %w", c.cluster, err)
	}
	return nil
}

// poll calls check until it has nothing to say or the context ends, quickly at first. Its error is the context's with what check
// said last; of a check that the context cut off, what the one before it said.
func poll(ctx context.Context, check func(context.Context) error) error {
	var last error
	backoff := wait.Backoff{Duration: pollFirst, Factor: pollFactor, Jitter: 0.1, Steps: 12, Cap: pollMost}
	err := backoff.DelayFunc().Until(ctx, true, true, func(ctx context.Context) (bool, error) {
		lacks := check(ctx)
		if last == nil || ctx.Err() == nil {
			last = lacks
		}
		return lacks == nil, nil
	})
	if err != nil && last != nil {
		return fmt.Errorf("%w: %w", err, last)
	}
	return err
}
