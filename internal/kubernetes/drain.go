package kubernetes

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	policyv1 "k8s.io/api/policy/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/kubectl/pkg/drain"
)

// uncordonTimeout bounds the one request that undoes a drain whose own time is over.
const uncordonTimeout = 15 * time.Second

// evictionRetry is how long to wait before a pod that may not be evicted yet is asked for again.
const evictionRetry = 2 * time.Second

// Drain cordons a node and evicts its pods. When that fails the node is uncordoned
// and the error names the PodDisruptionBudgets in the way. A node that is gone is drained.
func (c *Client) Drain(ctx context.Context, name string, timeout time.Duration) error {
	node, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("drain node %s: %w", name, err)
	}
	helper := &drain.Helper{
		Ctx: ctx, Client: c.api, Timeout: timeout, Force: true, GracePeriodSeconds: -1,
		IgnoreAllDaemonSets: true, DeleteEmptyDirData: true, EvictErrorRetryDelay: evictionRetry,
		Out: io.Discard, ErrOut: io.Discard,
	}
	if whyNotReady(node, RoleAgent) != "" {
		// The kubelet of a dead node never confirms that a pod ended.
		helper.SkipWaitForDeleteTimeoutSeconds = 1
	}
	if err := drain.RunCordonOrUncordon(helper, node, true); err != nil {
		return fmt.Errorf("cordon node %s: %w", name, err)
	}
	if err := drain.RunNodeDrain(helper, name); err != nil {
		return fmt.Errorf("drain node %s: %w", name, errors.Join(err, c.blockers(ctx, name), c.uncordon(ctx, helper, name)))
	}
	return nil
}

// uncordon works after the drain's own context has ended, for that is when it is needed.
func (c *Client) uncordon(ctx context.Context, helper *drain.Helper, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), uncordonTimeout)
	defer cancel()
	node, err := c.api.CoreV1().Nodes().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("uncordon node %s: %w", name, err)
	}
	helper.Ctx = ctx
	if err := drain.RunCordonOrUncordon(helper, node, false); err != nil {
		return fmt.Errorf("uncordon node %s: %w", name, err)
	}
	return nil
}

// blockers names the budgets that allow no disruption of pods that are still on the node.
func (c *Client) blockers(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), uncordonTimeout)
	defer cancel()
	budgets, err := c.api.PolicyV1().PodDisruptionBudgets(metav1.NamespaceAll).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list PodDisruptionBudgets: %w", err)
	}
	pods, err := c.api.CoreV1().Pods(metav1.NamespaceAll).List(ctx, metav1.ListOptions{FieldSelector: "spec.nodeName=" + name})
	if err != nil {
		return fmt.Errorf("list the pods of node %s: %w", name, err)
	}
	var blocking []string
	for _, budget := range budgets.Items {
		if budget.Status.DisruptionsAllowed > 0 {
			continue
		}
		for _, pod := range pods.Items {
			if guards(budget, pod) {
				blocking = append(blocking, fmt.Sprintf("PodDisruptionBudget %s/%s allows no disruption of pod %s", budget.Namespace, budget.Name, pod.Name))
			}
		}
	}
	if len(blocking) == 0 {
		return nil
	}
	slices.Sort(blocking)
	return errors.New(strings.Join(blocking, "; "))
}

func guards(budget policyv1.PodDisruptionBudget, pod corev1.Pod) bool {
	if budget.Namespace != pod.Namespace {
		return false
	}
	selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
	return err == nil && selector.Matches(labels.Set(pod.Labels))
}
