"""The truth of beta."""


def truth(files):
    rows = files.csv("/app/data/x.csv")
    return {"rate": 100 * sum(float(row["v"]) >= 15 for row in rows) / len(rows)}
