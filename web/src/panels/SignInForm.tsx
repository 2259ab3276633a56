import Button from "antd/es/button";
import Form from "antd/es/form";
import Input from "antd/es/input";
import Modal from "antd/es/modal";
import { useState } from "react";
import { Problem } from "../api/http";
import { useWords } from "../state/preferences";
import { useSession } from "../state/session";
import { useErrorText } from "./PanelState";

function SignIn() {
  const { t } = useWords();
  const { form, signIn } = useSession();
  const textOf = useErrorText();
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);

  const enter = async ({ name, password }: { name: string; password: string }) => {
    setBusy(true);
    setFault("");
    try {
      await signIn(name.trim(), password);
    } catch (error) {
      const status = error instanceof Problem ? error.status : 0;
      setFault(status === 401 ? t("account.wrong") : [423, 429].includes(status) ? t("account.locked") : textOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <>
      {form === "expired" && <p className="form-note" role="status">{t("account.expired")}</p>}
      <Form layout="vertical" size="middle" requiredMark={false} onFinish={(values) => void enter(values as { name: string; password: string })}>
        <Form.Item name="name" label={t("account.name")} rules={[{ required: true, message: t("account.needName") }]}>
          <Input autoFocus autoComplete="username" />
        </Form.Item>
        <Form.Item name="password" label={t("account.password")} rules={[{ required: true, message: t("account.needPassword") }]}>
          <Input.Password autoComplete="current-password" />
        </Form.Item>
        {fault && <p className="form-fault" role="alert">{fault}</p>}
        <Button block type="primary" htmlType="submit" loading={busy}>{t("account.signIn")}</Button>
      </Form>
    </>
  );
}

/** Change the password; whoever set the first one knows it, so that has to be changed before anything opens. */
function ChangePassword() {
  const { t } = useWords();
  const { changePassword, account } = useSession();
  const first = account?.must_change ?? false;
  const textOf = useErrorText();
  const [fault, setFault] = useState("");
  const [busy, setBusy] = useState(false);

  const change = async ({ old, fresh }: { old: string; fresh: string }) => {
    setBusy(true);
    setFault("");
    try {
      await changePassword(old, fresh);
    } catch (error) {
      setFault(error instanceof Problem && error.status === 401 ? t("account.wrong") : textOf(error));
    } finally {
      setBusy(false);
    }
  };
  return (
    <Form layout="vertical" size="middle" requiredMark={false} onFinish={(values) => void change(values as { old: string; fresh: string })}>
      {first && <p className="form-note">{t("account.mustChange")}</p>}
      <Form.Item name="old" label={t("account.oldPassword")} rules={[{ required: true, message: t("account.needPassword") }]}>
        <Input.Password autoFocus autoComplete="current-password" />
      </Form.Item>
      <Form.Item name="fresh" label={t("account.newPassword")} rules={[{ required: true, message: t("account.needPassword") }]}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      <Form.Item name="again" label={t("account.again")} dependencies={["fresh"]} rules={[
        ({ getFieldValue }) => ({
          validator: (_, value) => (value === getFieldValue("fresh") ? Promise.resolve() : Promise.reject(new Error(t("account.notSame")))),
        }),
      ]}>
        <Input.Password autoComplete="new-password" />
      </Form.Item>
      {fault && <p className="form-fault" role="alert">{fault}</p>}
      <Button block type="primary" htmlType="submit" loading={busy}>{t("account.change")}</Button>
    </Form>
  );
}

export default function SignInForm() {
  const { t } = useWords();
  const { form, setForm } = useSession();
  return (
    <Modal open title={t(form === "password" ? "account.change" : "account.signIn")} footer={null} width={360} onCancel={() => setForm("closed")}>
      {form === "password" ? <ChangePassword /> : <SignIn />}
    </Modal>
  );
}
