"""One made-up secret for each rule, with the text around it that the rule needs. No issuer ever gave these out."""

from __future__ import annotations

import base64
import json

ALNUM = "a1B2c3D4e5F6g7H8i9J0kLmNoPqRsTuVwXyZ" * 3
HEX = "0123456789abcdef" * 5
DIGITS = "1234567890"


def b64(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


JWT = f"{b64({'alg': 'HS256', 'typ': 'JWT'})}.{b64({'sub': '4711', 'exp': 1700000000, 'org': {'id': 'acme'}})}.{ALNUM[:43]}"
PEM = f"-----BEGIN RSA PRIVATE KEY-----\n{ALNUM[:64]}\n{ALNUM[3:67]}\n-----END RSA PRIVATE KEY-----"

SAMPLES: dict[str, tuple[str, str]] = {
    # kind: what stands before it, the secret
    "private-key": ("", PEM),
    "jwt": ("", JWT),
    "aws-key": ("", "AKIA" + "ABCDEFGH23456789"),
    "github-token": ("", "ghp_" + ALNUM[:36]),
    "gitlab-token": ("", "glpat-" + ALNUM[:20]),
    "api-key": ("", "sk-" + "proj-" + ALNUM[:40]),
    "stripe-key": ("", "sk_" + "live_" + ALNUM[:24]),
    "webhook-secret": ("", "whsec_" + ALNUM[:32]),
    "google-key": ("", "AIza" + ALNUM[:35]),
    "google-token": ("", "ya29." + ALNUM[:40]),
    "google-secret": ("", "GOCSPX-" + ALNUM[:28]),
    "slack-token": ("", "xoxb-" + DIGITS + "-" + ALNUM[:24]),
    "slack-webhook": (
        "https://hooks.slack.com/",
        "services/T0" + ALNUM[:8] + "/B0" + ALNUM[:8] + "/" + ALNUM[:24],
    ),
    "hf-token": ("", "hf_" + ALNUM[:34]),
    "groq-key": ("", "gsk_" + ALNUM[:52]),
    "xai-key": ("", "xai-" + ALNUM[:80]),
    "perplexity-key": ("", "pplx-" + ALNUM[:48]),
    "replicate-token": ("", "r8_" + ALNUM[:37]),
    "fireworks-key": ("", "fw_" + ALNUM[:24]),
    "nvidia-key": ("", "nvapi-" + ALNUM[:64]),
    "langsmith-key": ("", "lsv2_pt_" + HEX[:32] + "_" + HEX[:10]),
    "tavily-key": ("", "tvly-" + ALNUM[:32]),
    "npm-token": ("", "npm_" + ALNUM[:36]),
    "pypi-token": ("", "pypi-AgEIc" + ALNUM[:60]),
    "rubygems-key": ("", "rubygems_" + HEX[:48]),
    "docker-token": ("", "dckr_pat_" + ALNUM[:27]),
    "sendgrid-key": ("", "SG." + ALNUM[:22] + "." + ALNUM[:43]),
    "mailchimp-key": ("", HEX[:32] + "-us12"),
    "mailgun-key": ("", "key-" + HEX[:32]),
    "twilio-key": ("", "SK" + HEX[:32]),
    "telegram-token": ("", "123456789:AA" + ALNUM[:33]),
    "shopify-token": ("", "shpat_" + HEX[:32]),
    "square-token": ("", "sq0atp-" + ALNUM[:22]),
    "digitalocean-token": ("", "dop_v1_" + HEX[:64]),
    "databricks-token": ("", "dapi" + HEX[:32]),
    "heroku-key": ("", "HRKU-" + ALNUM[:36]),
    "linear-key": ("", "lin_api_" + ALNUM[:40]),
    "notion-token": ("", "ntn_" + ALNUM[:46]),
    "postman-key": ("", "PMAK-" + HEX[:24] + "-" + HEX[:34]),
    "vault-token": ("", "hvs." + ALNUM[:90]),
    "terraform-token": ("", ALNUM[:14] + ".atlasv1." + ALNUM[:67]),
    "doppler-token": ("", "dp.pt." + ALNUM[:43]),
    "sentry-token": ("", "sntrys_" + ALNUM[:60]),
    "atlassian-token": ("", "ATATT3" + ALNUM[:90]),
    "figma-token": ("", "figd_" + ALNUM[:40]),
    "grafana-token": ("", "glsa_" + ALNUM[:32] + "_" + HEX[:8]),
    "newrelic-key": ("", "NRAK-" + "ABCDEFGHIJ0123456789ABCDEFG"),
    "planetscale-token": ("", "pscale_tkn_" + ALNUM[:43]),
    "supabase-token": ("", "sbp_" + HEX[:40]),
    "tailscale-key": ("", "tskey-auth-" + ALNUM[:30]),
    "age-key": ("", "AGE-SECRET-KEY-1" + "QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L" * 2),
    "facebook-token": ("", "EAA" + ALNUM[:90]),
    "azure-key": ("DefaultEndpointsProtocol=https;AccountKey=", ALNUM[:86] + "=="),
    "discord-webhook": ("https://discord.com/api/webhooks/", "1234567890123/" + ALNUM[:68]),
    "bearer": ("authorization is by bearer ", ALNUM[:20]),
    "basic": ("Basic ", base64.b64encode(b"someone:s0mething").decode()),
    "header": ("AUTHORIZATION: ", ALNUM[:12]),
    "api-key-header": ("X-Goog-Api-Key: ", ALNUM[:12]),
    "cookie": ("Cookie: ", "session=" + ALNUM[:20]),
    "url-password": ("redis://", ":h4nter@22"),
    "url-token": ("https://", ALNUM[:20]),
    "query": ("https://x.test/a?api_key=", ALNUM[:10]),
    "connection-string": ("Server=db;Password=", "h4nter22"),
    "assigned": ("client_secret = '", ALNUM[:24]),
    "curl-user": ("curl -s -u ", "someone:h4nter22"),
}
"""By kind of rule."""
AFTER = {
    "url-password": "@host:6379/0",
    "url-token": "@host/x",
    "assigned": "'",
    "curl-user": " https://x.test",
}


def sample(kind: str) -> str:
    """A text with the secret of this kind in it."""
    before, secret = SAMPLES[kind]
    return before + secret + AFTER.get(kind, "")
